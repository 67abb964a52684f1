// Package app reads the folder of a function app as the Azure Functions host
// does: host.json and each */function.json. Whatever is wrong is told in one
// error, with the file it stands in.
//
// It knows custom handlers with the trigger types httpTrigger, queueTrigger and
// timerTrigger and the outputs http and queue. As the host does, it ignores
// settings it does not know.
package app
