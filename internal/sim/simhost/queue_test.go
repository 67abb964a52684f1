package simhost_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"hearth/internal/sim/simhost"
)

// The queue output's guesses, as messages on a real queue: what is base64 is
// taken as that, and so on. The queue is made if it is missing.
func TestQueueOutput(t *testing.T) {
	front := map[string]string{"front/function.json": frontFile}
	for name, tt := range map[string]struct {
		out  string
		want []string // bodies, in any order; nil: the call fails
	}{
		"base64":      {`"eyJhIjoxfQ=="`, []string{`{"a":1}`}},
		"an object":   {`{"a":1}`, []string{"{\n  \"a\": 1\n}"}},
		"an array":    {`["one",{"b":2}]`, []string{"one", "{\n  \"b\": 2\n}"}},
		"null":        {`null`, []string{}},
		"48 KiB":      {`"` + strings.Repeat("!", 48<<10) + `"`, []string{strings.Repeat("!", 48<<10)}},
		"above":       {`"` + strings.Repeat("!", 48<<10) + `!"`, nil},
		"broken JSON": {`"{a}"`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, front, func(w http.ResponseWriter, c call) {
				say(`{"Outputs":{"res":{"statusCode":200,"body":"ok"},"out":`+tt.out+`,"other":"bound to nothing"}}`)(w, c)
			}).queued().start()
			got := r.do(http.MethodPost, "/api/front", "")
			if tt.want == nil {
				if got.status != 500 || len(r.peek(r.jobs)) > 0 || r.count(simhost.Bound) > 0 {
					t.Errorf("got %d and %d messages, want 500 and none", got.status, len(r.peek(r.jobs)))
				}
				return
			}
			if got.status != 200 {
				t.Fatalf("got %+v\n%s", got, r.log)
			}
			bodies := []string{}
			for _, text := range r.peek(r.jobs) { // at once: the reply comes after the outputs
				b, err := base64.StdEncoding.DecodeString(text)
				if err != nil {
					t.Fatal(err)
				}
				bodies = append(bodies, string(b))
			}
			slices.Sort(bodies)
			if !slices.Equal(bodies, tt.want) {
				t.Errorf("got %.80q, want %.80q", bodies, tt.want)
			}
		})
	}
}

// A reply that can't be made leaves the outputs unbound.
func TestBadReplyBindsNothing(t *testing.T) {
	r := newRig(t, map[string]string{"front/function.json": frontFile}, say(`{"Outputs":{"res":{"headers":{"a":[]}},"out":"hello there"}}`)).queued().start()
	if got := r.do(http.MethodPost, "/api/front", ""); got.status != 500 || len(r.peek(r.jobs)) > 0 {
		t.Errorf("got %+v and %q, want 500 and nothing", got, r.peek(r.jobs))
	}
}

// dataType binary: the body as plain base64, and its properties stay out of
// Metadata.
func TestBinaryTrigger(t *testing.T) {
	r := newRig(t, map[string]string{"work/function.json": strings.Replace(workFile, `"name"`, `"dataType":"binary","name"`, 1)}, say(`{}`)).queued().start()
	const text = `{"id":"x"}`
	r.send(text)
	r.eventually("it is deleted", func() bool { return r.count(simhost.Deleted) == 1 })
	e := r.called("/work")[0].envelope(t)
	var body []byte
	if err := json.Unmarshal(e.Data["job"], &body); err != nil || string(body) != text {
		t.Errorf("got %s", e.Data["job"])
	}
	if strings.Contains(string(e.Metadata["Id"]), "x\\\"") {
		t.Errorf("got Metadata.Id %s, want the message's", e.Metadata["Id"])
	}
}

// messageEncoding none is for triggers and outputs alike.
func TestPlainEncoding(t *testing.T) {
	r := newRig(t, map[string]string{"front/function.json": frontFile, "work/function.json": workFile}, func(w http.ResponseWriter, c call) {
		if c.URL.Path == "/front" {
			say(`{"Outputs":{"out":"not base64"}}`)(w, c)
			return
		}
		say(`{}`)(w, c)
	}).queued()
	r.write("host.json", strings.Replace(hostFile, `"batchSize"`, `"messageEncoding":"none","batchSize"`, 1))
	r.start()
	r.do(http.MethodPost, "/api/front", "")
	r.eventually("it is deleted", func() bool { return r.count(simhost.Deleted) == 1 })
	if got := string(r.called("/work")[0].envelope(t).Data["job"]); got != `"\"not base64\""` {
		t.Errorf("got %s", got)
	}
}

// What is no base64 goes to the poison queue without a call.
func TestUndecodable(t *testing.T) {
	r := newRig(t, map[string]string{"work/function.json": workFile}, say(`{}`)).queued().start()
	r.sendStored("no base64!")
	r.eventually("it is poisoned", func() bool { return r.count(simhost.Poisoned) == 1 })
	if got := r.peek(r.jobs + "-poison"); len(got) != 1 || got[0] != "no base64!" || len(r.called("/work")) > 0 {
		t.Errorf("got %q, and %d calls", got, len(r.called("/work")))
	}
}

// A poison queue with a listener of its own is listened to like any other.
func TestPoisonListener(t *testing.T) {
	t.Parallel()
	r := newRig(t, map[string]string{
		"work/function.json": workFile, "dead/function.json": strings.Replace(workFile, "%JOBS%", "%JOBS%-poison", 1),
	}, func(w http.ResponseWriter, c call) {
		if c.URL.Path == "/work" {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		say(`{}`)(w, c)
	}).queued().start()
	r.send("bad")
	r.eventually("the poison's function has it", func() bool { return r.count(simhost.Deleted) == 1 })
	if n := len(r.called("/work")); n != 3 {
		t.Errorf("called %d times, want maxDequeueCount", n)
	}
	if got := string(r.called("/dead")[0].envelope(t).Data["job"]); got != `"\"bad\""` {
		t.Errorf("got %s", got)
	}
}

// A storage that refuses the host stops it, and the reason is told.
func TestForbidden(t *testing.T) {
	t.Parallel()
	r := newRig(t, map[string]string{"work/function.json": workFile}, say(`{}`)).queued()
	s := r.opts.Settings
	key := base64.StdEncoding.EncodeToString([]byte("another key"))
	before, rest, _ := strings.Cut(s["AzureWebJobsStorage"], "AccountKey=")
	_, after, _ := strings.Cut(rest, ";")
	s["AzureWebJobsStorage"] = before + "AccountKey=" + key + ";" + after
	r.start()
	select {
	case <-r.host.Done():
	case <-time.After(patience):
		t.Fatal("the host goes on")
	}
	if err := r.host.Err(); err == nil || !strings.Contains(err.Error(), "403") || !strings.Contains(err.Error(), "function work") {
		t.Errorf("got %v, want the 403 and whose it is", err)
	}
	if r.host.Pid() != 0 {
		t.Error("the handler outlives it")
	}
}

// On Flex the HTTP functions share a handler and each other function has its
// own; the death of one is nothing to the others; nobody is woken across.
func TestFlex(t *testing.T) {
	t.Parallel()
	r := newRig(t, map[string]string{
		"front/function.json": frontFile, "plain/function.json": plainFile, "work/function.json": workFile, "tick/function.json": tickFile,
	}, func(w http.ResponseWriter, c call) {
		switch {
		case c.URL.Path == "/work" && c.n == 1:
			w.Header().Set(exitHeader, "1")
		case c.URL.Path == "/front":
			say(`{"Outputs":{"res":{"body":"ok"},"out":"hello"}}`)(w, c)
		default:
			say(okReply)(w, c)
		}
	}).queued()
	r.write("host.json", strings.Replace(hostFile, `"00:00:01"`, `"00:01:00"`, 1))
	r.opts.Flex = true
	r.start().idle()
	begin := time.Now()
	if got := r.do(http.MethodPost, "/api/front", ""); got.status != 200 {
		t.Fatalf("got %+v\n%s", got, r.log)
	}
	r.do(http.MethodPost, "/api/plain", "")
	if err := r.host.Fire(t.Context(), "tick"); err != nil {
		t.Error(err)
	}
	if len(r.called("/work")) > 0 && time.Since(begin) < 2*time.Second { // later it looks by itself
		t.Errorf("got %v: the listener was woken by another instance", r.phases())
	}
	r.eventually("the message is deleted", func() bool { return r.count(simhost.Deleted) == 1 })
	pid := func(path string, n int) string { return r.called(path)[n].Header.Get(pidHeader) }
	if pid("/front", 0) != pid("/plain", 0) {
		t.Error("the HTTP functions have two handlers")
	}
	if pid("/front", 0) == pid("/work", 0) || pid("/tick", 0) == pid("/work", 0) || pid("/tick", 0) == pid("/front", 0) {
		t.Error("a handler is shared")
	}
	if pid("/work", 0) == pid("/work", 1) {
		t.Error("the queue's handler was not started anew")
	}
	if r.do(http.MethodPost, "/api/plain", ""); pid("/plain", 1) != pid("/plain", 0) {
		t.Error("the HTTP functions' handler was started anew")
	}
}

// In one host, an output wakes who listens; a message from elsewhere waits.
func TestWakeUp(t *testing.T) {
	t.Parallel()
	r := newRig(t, map[string]string{"front/function.json": frontFile, "work/function.json": workFile}, func(w http.ResponseWriter, c call) {
		if c.URL.Path == "/front" {
			say(`{"Outputs":{"out":"hello"}}`)(w, c)
			return
		}
		say(`{}`)(w, c)
	}).queued()
	r.write("host.json", strings.Replace(hostFile, `"00:00:01"`, `"00:01:00"`, 1))
	r.start().idle()
	r.send("from elsewhere")
	<-time.After(500 * time.Millisecond)
	if r.count(simhost.Received) > 0 {
		t.Error("a message from elsewhere woke the listener")
	}
	begin := time.Now()
	r.do(http.MethodPost, "/api/front", "")
	r.eventually("both are deleted", func() bool { return r.count(simhost.Deleted) == 2 })
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("the output woke the listener after %v", took)
	}
}
