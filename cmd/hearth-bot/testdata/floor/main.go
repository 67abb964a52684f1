// Command floor is what the bot's start is measured against: a server of
// package net/http that answers whatever it is asked.
package main

import (
	"io"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"Outputs":{"response":{"statusCode":200,"body":"{\"type\":1}"}}}`)
	})
	_ = http.ListenAndServe("127.0.0.1:"+os.Getenv("FUNCTIONS_CUSTOMHANDLER_PORT"), nil) //nolint:gosec // for a benchmark on this machine
	os.Exit(1)
}
