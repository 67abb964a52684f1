// Package envelope holds the rules by which the Azure Functions host v4 writes
// an invocation for a custom handler, and reads its answer: pure functions
// without I/O.
//
// Out goes one JSON object with Data (by the trigger's binding name) and
// Metadata. Values follow one rule (ScriptInvocationContextExtensions.cs,
// GetHttpScriptInvocationContextValue): bytes are a base64 string, a time is an
// ISO string, what serialises to a JSON object is that object, and all else is
// a JSON string that holds its JSON text. So a queue message of text arrives
// doubly encoded, and a number as a string.
//
// In comes one JSON object with Outputs, Logs and ReturnValue. The host reads it
// with Newtonsoft.Json into untyped values and then guesses what they are:
// Messages and ReplyOf say how.
//
// Not modelled: Newtonsoft's taste for dates. A string that is an ISO date and
// nothing else becomes a date in the host, and is written in another form
// afterwards. Who sends base64 is spared that, as he is the other guesses. Nor
// are Windows' line ends: what the host indents has \n here.
package envelope
