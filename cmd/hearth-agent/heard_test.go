package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hearth/internal/sim/azurite"
)

// TestUnheardOnAzure: while the storage account refuses the agent's words nothing is
// asked of the engine that makes a game, and the log has the account's reason. Then
// the role is felt, and the game is made.
func TestUnheardOnAzure(t *testing.T) {
	storageAccount(t, "unheard")
	server := service.Server(t)
	queues, err := url.Parse(server.QueueURL)
	if err != nil {
		t.Fatal(err)
	}
	var refuses atomic.Bool
	refuses.Store(true)
	refused := make(chan struct{}, 100)
	way := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: queues.Scheme, Host: queues.Host})
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if !strings.HasSuffix(req.URL.Path, "/events/messages") || !refuses.Load() {
			way.ServeHTTP(w, req)
			return
		}
		w.Header().Set("X-Ms-Error-Code", "AuthorizationPermissionMismatch")
		w.WriteHeader(http.StatusForbidden)
		refused <- struct{}{}
	}))
	t.Cleanup(proxy.Close)

	r := newRig(t)
	made := make(chan string, 100)
	engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method == http.MethodPost {
			made <- req.URL.Path
		}
		r.serveEngine(w, req)
	}))
	t.Cleanup(engine.Close)
	connection := azurite.ConnectionString(server.BlobURL, proxy.URL+queues.Path, server.TableURL)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	type ended struct {
		code   int
		stderr string
	}
	done := make(chan ended, 1)
	go func() {
		code, _, stderr := r.run(ctx, map[string]any{
			"world": "unheard", "storage": "azure", "storage_connection": connection, "docker_host": strings.Replace(engine.URL, "http://", "tcp://", 1), "allow_new_world": true,
		}, "run")
		done <- ended{code, stderr}
	}()
	within := time.After(time.Minute)
	for range 4 { // the waits between them are some seconds, in which a game would be made
		select {
		case <-refused:
		case path := <-made:
			t.Fatalf("the engine is asked for %s, and nobody heard of the boot", path)
		case end := <-done:
			t.Fatalf("run = %d\n%s", end.code, end.stderr)
		case <-within:
			t.Fatal("no word was tried")
		}
	}
	refuses.Store(false)
	select {
	case <-made:
	case <-within:
		t.Error("the queue takes what is said, and no game is made")
	}
	stop()
	end := <-done
	if end.code != exitOK || !strings.Contains(end.stderr, "403 AuthorizationPermissionMismatch") {
		t.Errorf("run = %d, want a clean end and the reason in the log\n%s", end.code, end.stderr)
	}
	if strings.Contains(end.stderr, azurite.Key) {
		t.Errorf("the log tells the account's key:\n%s", end.stderr)
	}
}
