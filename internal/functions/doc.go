// Package functions is our end of the protocol between the Azure Functions host
// and a custom handler (Microsoft: "Azure Functions custom handlers"; what is
// not in there was read in the sources of azure-functions-host and
// azure-webjobs-sdk).
//
// The host starts the program, asks GET / until something answers, and then
// sends each invocation as POST /<function> with a JSON envelope:
//
//	{"Data": {"<trigger binding>": …}, "Metadata": {…}}
//
// and takes as the answer
//
//	{"Outputs": {"<output binding>": …}}
//
// What one would not expect, and what is done about it:
//
//   - A 2xx with an empty body or with null leaves the invocation hanging until
//     its timeout, and then the host kills the process. Every answer has a body.
//   - Any other content type than application/json fails the invocation, so
//     every answer has it.
//   - The text of a queue message comes as a JSON string inside a JSON string;
//     with dataType binary in function.json it comes as base64. Both are taken:
//     the inner JSON string begins with a quote, which base64 has not.
//   - Without dataType binary the host merges the properties of a message that
//     is a JSON object into Metadata, over its own of the same name. Whoever may
//     write messages may then choose their dequeueCount: use binary.
//   - Numbers in Metadata come as strings.
//   - An envelope comes chunked, without a length.
//   - A string that happens to be base64 is decoded before it goes into an
//     output queue, and JSON is written anew, indented. Messages go out as
//     base64 of their exact bytes.
//   - A program that ends with code 0 is never started again. Serve returns an
//     error whatever it was that ended it.
//   - A line on stderr is an error to the host. The log belongs on stdout.
//   - The host ends the program by killing it, without a signal. Nothing may
//     depend on what is done at the end.
//
// Members of the answer that are not used: Logs, which the host discards if the
// invocation fails, so the program's own log has it all, under the
// invocation_id that the host's has; and ReturnValue, whose strings are decoded
// as base64 if they can be (azure-functions-host#8352).
//
// An invocation that cannot be understood, is too large, is for an unknown
// function, or whose handler fails or panics, is answered with a status that is
// not 2xx. The host then keeps the message of a queue and delivers it again, or
// sets it aside after maxDequeueCount deliveries, and answers an HTTP caller
// with a 500: nothing is lost, and nothing is said that is not so.
package functions
