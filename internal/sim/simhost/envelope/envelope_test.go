package envelope_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hearth/internal/sim/simhost/envelope"
)

func at() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 678_900_000, time.UTC) }

func sys() envelope.Sys { return envelope.Sys{Function: "worker", Now: at(), RandGUID: "g"} }

func decode(t *testing.T, b []byte) (v struct{ Data, Metadata map[string]any }) {
	t.Helper()
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	return v
}

func message(body string) envelope.QueueMessage {
	return envelope.QueueMessage{Body: []byte(body), ID: "m-1", PopReceipt: "AgAA", DequeueCount: 3, Inserted: at(), Expires: at().Add(time.Hour), NextVisible: at()}
}

// The whole envelope of a queue message, as the host writes it.
func TestQueueEnvelope(t *testing.T) {
	got := decode(t, envelope.Queue("job", false, message(`{"op":"start","id":"x"}`), sys()))
	want := map[string]any{
		"DequeueCount": "3", "Id": `"x"`, "PopReceipt": `"AgAA"`, "op": `"start"`,
		"InsertionTime": "2026-01-02T03:04:05+00:00", "ExpirationTime": "2026-01-02T04:04:05+00:00", "NextVisibleTime": "2026-01-02T03:04:05+00:00",
		"sys": map[string]any{"MethodName": "worker", "UtcNow": "2026-01-02T03:04:05.6789000Z", "RandGuid": "g"},
	}
	if d := cmp.Diff(want, got.Metadata); d != "" {
		t.Errorf("Metadata (-want +got):\n%s", d)
	}
	if d := cmp.Diff(map[string]any{"job": `"{\"op\":\"start\",\"id\":\"x\"}"`}, got.Data); d != "" {
		t.Errorf("Data (-want +got):\n%s", d)
	}
}

// What a message's own text does to Metadata: what is merged overrides whatever
// was there, whatever its case.
func TestMerge(t *testing.T) {
	for _, tt := range []struct {
		text string
		key  string
		want any // nil: not there
	}{
		{`{"dequeueCount":77}`, "DequeueCount", `"77"`},
		{`{"POPRECEIPT":"mine"}`, "PopReceipt", `"mine"`},
		{`{"SYS":{"a":1}}`, "sys", map[string]any{"a": 1.0}},
		{`{"n":1.50}`, "n", `"1.50"`},
		{`{"b":true}`, "b", `"True"`},
		{`{"o":{"x":[1]}}`, "o", map[string]any{"x": []any{1.0}}},
		{`{"nothing":null}`, "nothing", nil},
		{`{"list":[1]}`, "list", nil},
		{`{"myTrigger":"x"}`, "myTrigger", nil},
		{`{"a":1,"A":2}`, "a", `"2"`},
		{` {"padded":"x"} `, "padded", `"x"`},
		{`["a"]`, "a", nil},
		{`{"broken":`, "broken", nil},
		{`plain`, "plain", nil},
		{`{"h":"<&>"}`, "h", `"<&>"`},
	} {
		got := decode(t, envelope.Queue("job", false, message(tt.text), sys()))
		if d := cmp.Diff(tt.want, got.Metadata[tt.key]); d != "" {
			t.Errorf("%s: Metadata.%s (-want +got):\n%s", tt.text, tt.key, d)
		}
		var inner string
		if err := json.Unmarshal([]byte(got.Data["job"].(string)), &inner); err != nil || inner != tt.text {
			t.Errorf("%s: the text came as %q: %v", tt.text, inner, err)
		}
	}
}

// dataType binary: plain base64, and nothing is merged.
func TestBinary(t *testing.T) {
	body := `{"id":"x"}` + "\xff"
	got := decode(t, envelope.Queue("job", true, message(body), sys()))
	if want := base64.StdEncoding.EncodeToString([]byte(body)); got.Data["job"] != want {
		t.Errorf("got %v, want %v", got.Data["job"], want)
	}
	if got.Metadata["Id"] != `"m-1"` {
		t.Errorf("got Metadata.Id %v, want the message's", got.Metadata["Id"])
	}
}

func TestNoUTF8(t *testing.T) {
	got := decode(t, envelope.Queue("job", false, message("\ufeffa\xffb"), sys()))
	if want := `"a` + "\ufffd" + `b"`; got.Data["job"] != want {
		t.Errorf("got %q, want %q", got.Data["job"], want)
	}
}

func TestTimerEnvelope(t *testing.T) {
	got := decode(t, envelope.Timer("tick", &envelope.TimerStatus{Last: at(), Next: at(), LastUpdated: at()}, true, sys()))
	const when = "2026-01-02T03:04:05.6789Z"
	want := map[string]any{"tick": map[string]any{
		"Schedule": map[string]any{"AdjustForDST": true}, "IsPastDue": true,
		"ScheduleStatus": map[string]any{"Last": when, "Next": when, "LastUpdated": when},
	}}
	if d := cmp.Diff(want, got.Data); d != "" {
		t.Errorf("Data (-want +got):\n%s", d)
	}
	if len(got.Metadata) != 1 {
		t.Errorf("got Metadata %v, want sys alone", got.Metadata)
	}
	got = decode(t, envelope.Timer("tick", nil, false, sys()))
	if tick := got.Data["tick"].(map[string]any); tick["ScheduleStatus"] != nil || tick["IsPastDue"] != false {
		t.Errorf("got %v", tick)
	}
}

func TestHTTPEnvelope(t *testing.T) {
	request := func(method, target, body, kind string) envelope.HTTPRequest {
		r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		return envelope.HTTPRequest{Request: r, URL: "https://a/" + target, Params: map[string]string{"id": "7"}, Body: []byte(body)}
	}
	const body = `{"type":2,"q":"body","Headers":"mine","list":[1]}`
	got := decode(t, envelope.HTTP("req", request("POST", "/api/x?q=1&q=2&code=secret", body, "application/json"), sys()))
	req := got.Data["req"].(map[string]any)
	if req["Body"] != body || req["Method"] != "POST" || req["Url"] != "https://a//api/x?q=1&q=2&code=secret" {
		t.Errorf("got %v", req)
	}
	if d := cmp.Diff(map[string]any{"id": "7"}, req["Params"]); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string]any{"q": "1,2", "code": "secret"}, req["Query"]); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]any{"application/json"}, req["Headers"].(map[string]any)["Content-Type"]); d != "" {
		t.Error(d)
	}
	if ids := req["Identities"].([]any); len(ids) != 1 || ids[0].(map[string]any)["IsAuthenticated"] != false {
		t.Errorf("got %v", ids)
	}
	want := map[string]any{"type": `"2"`, "q": `"1,2"`, "id": `"7"`, "Headers": `"mine"`}
	for key, v := range want {
		if d := cmp.Diff(v, got.Metadata[key]); d != "" {
			t.Errorf("Metadata.%s: %s", key, d)
		}
	}
	if got.Metadata["code"] != nil || got.Metadata["list"] != nil {
		t.Errorf("got %v, want neither the key nor the array", got.Metadata)
	}

	// Body is there only with a length, and as base64 for what is no text.
	chunked := request("POST", "/", "x", "text/plain")
	chunked.ContentLength = -1
	if req := decode(t, envelope.HTTP("req", chunked, sys())).Data["req"].(map[string]any); req["Body"] != nil {
		t.Errorf("in chunks: got the body %v, want none", req["Body"])
	}
	for _, kind := range []string{"application/octet-stream", "Multipart/form-data; boundary=x"} {
		if req := decode(t, envelope.HTTP("req", request("POST", "/", "x\xff", kind), sys())).Data["req"].(map[string]any); req["Body"] != "eP8=" {
			t.Errorf("%s: got the body %v, want base64", kind, req["Body"])
		}
	}
	if req := decode(t, envelope.HTTP("req", request("POST", "/", "\ufeffx\xff", "text/plain"), sys())).Data["req"].(map[string]any); req["Body"] != "x\ufffd" {
		t.Errorf("got the body %q, want it decoded", req["Body"])
	}
}

func TestParseAnswer(t *testing.T) {
	const kind = "application/json"
	for name, tt := range map[string]struct {
		status     int
		kind, body string
		want       string // of the error; "" for none
		nothing    bool
	}{
		"an object":          {200, kind, `{}`, "", false},
		"with a charset":     {200, "application/json; charset=utf-8", `{"Outputs":null}`, "", false},
		"text/json":          {202, "text/json", `{"unknown":1}`, "", false},
		"more behind it":     {200, kind, `{} and more`, "", false},
		"no body":            {200, kind, "", "answered nothing", true},
		"no body, no type":   {204, "", "", "answered nothing", true},
		"null":               {200, kind, "null", "answered nothing", true},
		"blanks":             {200, kind, " \n", "answered nothing", true},
		"sniffed text":       {200, "text/plain; charset=utf-8", `{}`, "text/plain", false},
		"no type":            {200, "", `{}`, "Content-Type", false},
		"html":               {200, "text/html", `{}`, "text/html", false},
		"500":                {500, kind, `{}`, "500", false},
		"302":                {302, kind, `{}`, "302", false},
		"404 without a body": {404, kind, "", "404", false},
		"truncated":          {200, kind, `{"Outputs":{`, "no JSON", false},
		"an array":           {200, kind, `[]`, "no JSON", false},
		"a string":           {200, kind, `"x"`, "no JSON", false},
		"outputs a list":     {200, kind, `{"Outputs":[]}`, "no JSON", false},
		"a log of objects":   {200, kind, `{"Logs":[{}]}`, "Logs", false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := envelope.ParseAnswer(tt.status, tt.kind, []byte(tt.body))
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if errors.Is(err, envelope.ErrNothing) != tt.nothing {
				t.Errorf("got %v; nothing is to be %v", err, tt.nothing)
			}
		})
	}
	a, err := envelope.ParseAnswer(200, kind, []byte(`{"outputs":{"a":1,"n":null},"LOGS":["x",1,null]}`))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"x", "1", ""}, a.Logs); d != "" {
		t.Error(d)
	}
	if v, ok := a.Output("a"); !ok || string(v) != "1" {
		t.Errorf("got %s %v", v, ok)
	}
	for _, name := range []string{"n", "A", "none"} {
		if v, ok := a.Output(name); ok {
			t.Errorf("%s: got %s, want nothing", name, v)
		}
	}
}

func TestMessages(t *testing.T) {
	for name, tt := range map[string]struct {
		value  string
		binary bool
		want   []string
	}{
		"base64":                   {`"eyJhIjoxfQ=="`, false, []string{`{"a":1}`}},
		"base64 of what looks so":  {`"WyJhIl0="`, false, []string{`["a"]`}},
		"base64 with blanks":       {`"eyJh\n IjoxfQ=="`, false, []string{`{"a":1}`}},
		"a word of four letters":   {`"stop"`, false, []string{"\xb2\xda\x29"}},
		"but not if binary":        {`"stop"`, true, []string{"stop"}},
		"a word of five letters":   {`"start"`, false, []string{"start"}},
		"empty":                    {`""`, false, []string{""}},
		"words":                    {`"hello world"`, false, []string{"hello world"}},
		"JSON in a string":         {`"{\"a\":[1,2],\"b\":\"x\"}"`, false, []string{"{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": \"x\"\n}"}},
		"an object":                {`{"a":1}`, false, []string{"{\n  \"a\": 1\n}"}},
		"an array":                 {`["a",{"b":1},2,true,null]`, false, []string{"a", "{\n  \"b\": 1\n}", "2", "True", ""}},
		"an array in a string":     {`"[\"a\",\"eA==\"]"`, false, []string{"a", "eA=="}},
		"base64 within an array":   {`["eA=="]`, false, []string{"eA=="}},
		"no element":               {`[]`, false, nil},
		"a number":                 {`7`, false, []string{"7"}},
		"false":                    {`false`, false, []string{"False"}},
		"looks like JSON, is none": {`"{a}"`, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := envelope.Messages(json.RawMessage(tt.value), tt.binary)
			if (err != nil) != (name == "looks like JSON, is none") {
				t.Fatal(err)
			}
			var texts []string
			for _, m := range got {
				texts = append(texts, string(m))
			}
			if d := cmp.Diff(tt.want, texts); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestReplyOf(t *testing.T) {
	for name, tt := range map[string]struct {
		answer string
		status int
		body   string
		header http.Header
		bad    string
	}{
		"all of it":        {answer: `{"Outputs":{"res":{"statusCode":401,"headers":{"content-type":"application/json","X-A":"b"},"body":"{\"a\": 1}"}}}`, status: 401, body: `{"a": 1}`, header: http.Header{"Content-Type": {"application/json"}, "X-A": {"b"}}},
		"a status in text": {answer: `{"Outputs":{"res":{"StatusCode":"204"}}}`, status: 204},
		"its other name":   {answer: `{"Outputs":{"res":{"status":202,"statusCode":null}}}`, status: 202},
		"no status":        {answer: `{"Outputs":{"res":{"body":"x","statusCode":"soon"}}}`, status: 200, body: "x", header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}}},
		"an object":        {answer: `{"Outputs":{"res":{"body":{"a":1}}}}`, status: 200, body: "{\n  \"a\": 1\n}"},
		"a number":         {answer: `{"Outputs":{"res":{"body":5}}}`, status: 200, body: "5"},
		"in a string":      {answer: `{"Outputs":{"res":"{\"statusCode\":418}"}}`, status: 418},
		"no output":        {answer: `{"Outputs":{}}`, status: 200, body: "{}"},
		"no outputs":       {answer: `{}`, status: 200},
		"just text":        {answer: `{"Outputs":{"res":"hello"}}`, bad: "no HTTP response"},
		"empty text":       {answer: `{"Outputs":{"res":""}}`, bad: "no HTTP response"},
		"a list":           {answer: `{"Outputs":{"res":[]}}`, bad: "no HTTP response"},
		"a header's list":  {answer: `{"Outputs":{"res":{"headers":{"a":["b"]}}}}`, bad: `the header "a"`},
		"a header's count": {answer: `{"Outputs":{"res":{"headers":{"a":1}}}}`, bad: `the header "a"`},
		"a status object":  {answer: `{"Outputs":{"res":{"statusCode":{}}}}`, bad: "status"},
		"a wild status":    {answer: `{"Outputs":{"res":{"statusCode":99}}}`, bad: "99"},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := envelope.ParseAnswer(200, "application/json", []byte(tt.answer))
			if err != nil {
				t.Fatal(err)
			}
			got, err := envelope.ReplyOf(a, "res")
			if tt.bad != "" {
				if err == nil || !strings.Contains(err.Error(), tt.bad) {
					t.Errorf("got %v, want an error with %q", err, tt.bad)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.Status != tt.status || string(got.Body) != tt.body {
				t.Errorf("got %d %q, want %d %q", got.Status, got.Body, tt.status, tt.body)
			}
			if tt.header != nil {
				if d := cmp.Diff(tt.header, got.Header); d != "" {
					t.Errorf("(-want +got):\n%s", d)
				}
			}
		})
	}
}

// FuzzAnswer: whatever a handler answers, and whatever a message holds, nothing
// panics, and an envelope is JSON.
func FuzzAnswer(f *testing.F) {
	f.Add(`{"Outputs":{"res":{"statusCode":200,"headers":{"a":"b"},"body":{}},"out":["a",{}]},"Logs":["x"]}`)
	f.Add(`{"outputs":{"res":"{}","out":"[1]"}}`)
	f.Add(`{"id":"x","n":-1e3,"o":{},"l":[null]}`)
	f.Fuzz(func(t *testing.T, text string) {
		decode(t, envelope.Queue("job", false, message(text), sys()))
		a, err := envelope.ParseAnswer(200, "application/json", []byte(text))
		if err != nil {
			return
		}
		_, _ = envelope.ReplyOf(a, "res")
		for name := range a.Outputs {
			if v, ok := a.Output(name); ok {
				_, _ = envelope.Messages(v, false)
			}
		}
	})
}
