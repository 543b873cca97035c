/**
 * From 1.30 on ONNX Runtime tells its makers of its use on Linux too, and keeps an id of the machine in the user's home, unless this is said in
 * the environment of the process before the library is loaded. Set where the room is first imported: a worker thread's environment is a copy.
 */
process.env['ORT_DISABLE_TELEMETRY'] = '1';
