/** The task that the command and the page are built for: whatever asks for class names or the size of a picture asks it. */
export { fashionMnist as task } from './fashion-mnist/task.ts'
