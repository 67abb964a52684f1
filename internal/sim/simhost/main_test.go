package simhost_test

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"strconv"
	"testing"
)

// The handler that the tests run is this binary: a relay that asks the test
// (whose server stands in TEST_BRAIN) what to do with each call.

const (
	exitHeader   = "X-Test-Exit"   // leave with this code instead of answering
	stdoutHeader = "X-Test-Stdout" // a line to write before answering
	stderrHeader = "X-Test-Stderr"
	pidHeader    = "X-Test-Pid" // to the brain: who asks
)

func TestMain(m *testing.M) {
	if brain := os.Getenv("TEST_BRAIN"); brain == "proper" {
		os.Exit(proper())
	} else if brain != "" {
		os.Exit(relay(brain))
	}
	if root := os.Getenv("TEST_HOST"); root != "" {
		os.Exit(host(root))
	}
	code := m.Run()
	shared.Close()
	os.Exit(code)
}

// relay is the handler. TEST_START is an exit code to leave with before it
// listens, or "deaf": it never listens.
func relay(brain string) int {
	if start := os.Getenv("TEST_START"); start == "deaf" {
		select {}
	} else if code, err := strconv.Atoi(start); err == nil {
		return code
	}
	fmt.Println("ready to listen")
	err := http.ListenAndServe("127.0.0.1:"+os.Getenv("FUNCTIONS_CUSTOMHANDLER_PORT"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.URL.Path == "/" {
			w.WriteHeader(http.StatusNotFound) // which is ready, too
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		ask, err := http.NewRequestWithContext(r.Context(), r.Method, brain+r.URL.RequestURI(), bytes.NewReader(body))
		if err != nil {
			panic(err)
		}
		ask.Header = r.Header.Clone()
		ask.Header.Set(pidHeader, strconv.Itoa(os.Getpid()))
		ask.Header.Set("X-Test-Host", r.Host)
		ask.Header.Set("X-Test-Length", strconv.FormatInt(r.ContentLength, 10))
		ask.Header.Set("X-Test-Dir", func() string { d, _ := os.Getwd(); return d }())
		for _, name := range []string{"FUNCTIONS_HTTPWORKER_PORT", "FUNCTIONS_CUSTOMHANDLER_PORT", "FUNCTIONS_CUSTOMHANDLER_WORKER_ID", "FUNCTIONS_HTTPWORKER_ID", "FUNCTIONS_APP_ROOT_PATH", "TEST_SETTING", "TEST_NOT_INHERITED"} {
			if v, ok := os.LookupEnv(name); ok {
				ask.Header.Set("X-Env-"+name, v)
			}
		}
		noRedirect := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		resp, err := noRedirect.Do(ask)
		if err != nil {
			return
		}
		defer resp.Body.Close() //nolint:errcheck // it was read
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			return
		}
		if line := resp.Header.Get(stdoutHeader); line != "" {
			fmt.Println(line)
		}
		if line := resp.Header.Get(stderrHeader); line != "" {
			fmt.Fprintln(os.Stderr, line)
		}
		if code, err := strconv.Atoi(resp.Header.Get(exitHeader)); err == nil {
			os.Exit(code)
		}
		maps.Copy(w.Header(), resp.Header)
		if _, ok := resp.Header["Content-Type"]; !ok {
			w.Header()["Content-Type"] = nil
		}
		w.WriteHeader(resp.StatusCode)
		_, _ = w.Write(answer)
	}))
	fmt.Fprintln(os.Stderr, err)
	return 1
}
