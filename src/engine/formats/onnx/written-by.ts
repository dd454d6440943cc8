/** What ONNX files that are written here name as their producer: their metadata is read as it was written. */
export const producerName = 'limelight'
