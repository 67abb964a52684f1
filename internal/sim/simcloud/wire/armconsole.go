package wire

import (
	"bytes"
	"crypto/subtle"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// sas is a right to read one machine's console.
type sas struct {
	signature string
	expires   time.Time
}

// blobs are where consoles are kept. On Azure that is an account of storage, at
// another host; here it is a folder beside Resource Manager's.
const blobs = "/bootdiagnostics/"

// bootDiagnostics answers where a machine's console is, and with which right it may
// be read.
func (a *ARM) bootDiagnostics(w http.ResponseWriter, r *http.Request, name string) {
	vm, ok := a.machine(name)
	if !ok {
		armRefuse(w, http.StatusNotFound, "ResourceNotFound", fmt.Sprintf("The Resource 'Microsoft.Compute/virtualMachines/%s' under resource group '%s' was not found.", name, a.o.ResourceGroup))
		return
	}
	minutes := 120
	if v := r.URL.Query().Get("sasUriExpirationTimeInMinutes"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > 1440 {
			armRefuse(w, http.StatusBadRequest, "InvalidParameter", "The value of parameter sasUriExpirationTimeInMinutes is out of range: 1 to 1440.")
			return
		}
		minutes = n
	}
	a.mu.Lock()
	off, at := a.shape(vm.Placement).NoBootDiagnostics, a.blobURL
	right := sas{secret(), a.o.Clock.Now().Add(time.Duration(minutes) * time.Minute)}
	a.rights[vm.ID] = append(a.rights[vm.ID], right)
	if n := len(a.rights[vm.ID]); n > 8 {
		a.rights[vm.ID] = a.rights[vm.ID][n-8:]
	}
	a.mu.Unlock()
	if off {
		armRefuse(w, http.StatusConflict, "OperationNotAllowed", fmt.Sprintf("Boot diagnostics is not enabled for VM '%s'.", vm.ID))
		return
	}
	if at == "" {
		at = a.URL
	}
	query := "?" + url.Values{"sv": {"2021-06-08"}, "sr": {"b"}, "sp": {"r"}, "sig": {right.signature}}.Encode()
	answer(w, object{
		"consoleScreenshotBlobUri": at + blobs + vm.ID + ".screenshot.bmp" + query,
		"serialConsoleLogBlobUri":  at + blobs + vm.ID + ".serialconsole.log" + query,
	})
}

// ConsolesAt makes Resource Manager name another address for consoles, such as
// https://elsewhere.example; empty: its own.
func (a *ARM) ConsolesAt(address string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.blobURL = address
}

// blob reads a console as the Blob service does: with the signature that Resource
// Manager gave and nothing else, and ranges of its two forms ("Specifying the
// range header for Blob service operations").
func (a *ARM) blob(w http.ResponseWriter, r *http.Request) {
	refuse := func(status int, code string) {
		w.Header().Set("X-Ms-Error-Code", code)
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "\ufeff<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>%s</Code><Message>It was refused.</Message></Error>", code) // who went away needs no answer
	}
	vm, log := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, blobs), ".serialconsole.log")
	text := a.cloud.Printed(vm)
	switch {
	case r.Method != http.MethodGet:
		refuse(http.StatusMethodNotAllowed, "UnsupportedHttpVerb")
		return
	case r.Header.Get("Authorization") != "", !a.mayRead(vm, r.URL.Query().Get("sig")):
		refuse(http.StatusForbidden, "AuthenticationFailed")
		return
	case !log || len(text) == 0: // it is made with the first line
		refuse(http.StatusNotFound, "BlobNotFound")
		return
	}
	if n := a.o.ConsolePages; len(text) < n {
		text = append(text, bytes.Repeat([]byte{0}, n-len(text))...)
	}
	from, to, ok := blobRange(r.Header.Get("Range"), len(text))
	if !ok {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", len(text)))
		refuse(http.StatusRequestedRangeNotSatisfiable, "InvalidRange")
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	w.Header().Set("Content-Length", strconv.Itoa(to-from))
	status := http.StatusOK
	if r.Header.Get("Range") != "" {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(text)))
		status = http.StatusPartialContent
	}
	w.WriteHeader(status)
	_, _ = io.Copy(w, bytes.NewReader(text[from:to])) // who went away needs no answer
}

func (a *ARM) mayRead(vm, signature string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, right := range a.rights[vm] {
		if subtle.ConstantTimeCompare([]byte(right.signature), []byte(signature)) == 1 && a.o.Clock.Now().Before(right.expires) {
			return true
		}
	}
	return false
}

// blobRange reads bytes=FROM- and bytes=FROM-TO. A range of another form is not
// minded, as one of HTTP's that is not known.
func blobRange(header string, size int) (from, to int, ok bool) {
	spec, is := strings.CutPrefix(header, "bytes=")
	first, last, dash := strings.Cut(spec, "-")
	from, err := strconv.Atoi(first)
	if !is || !dash || err != nil {
		return 0, size, true
	}
	to = size
	if n, err := strconv.Atoi(last); err == nil {
		to = min(n+1, size)
	}
	return from, to, from >= 0 && from < to
}
