// Package browsertest drives a page in a headless Chromium, for tests.
package browsertest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/memory"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// ScreenshotsVariable names a folder for the pictures of Page.Screenshot; if
// it is empty none are taken.
const ScreenshotsVariable = "HEARTH_SCREENSHOTS"

// Page is one page in a browser of its own.
type Page struct {
	t   testing.TB
	ctx context.Context //nolint:containedctx // chromedp keeps its browser in it
}

// Open opens a page, width by height pixels. Without a Chromium the test is
// skipped, except in CI, where it fails.
func Open(t testing.TB, url string, width, height int) *Page {
	t.Helper()
	binary := find()
	if binary == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("no Chromium: install it, the page is not tested without one")
		}
		if b, ok := t.(*testing.B); ok { // a skipped benchmark says nothing of itself without -v
			fmt.Fprintf(os.Stderr, "%s is skipped: no Chromium: install it to measure the page\n", b.Name())
		}
		t.Skip("no Chromium: install it to test the page")
	}
	opts := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(binary), chromedp.NoSandbox, chromedp.DisableGPU)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	p := &Page{t: t, ctx: ctx}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(int64(width), int64(height)), chromedp.Navigate(url)); err != nil {
		t.Fatalf("open the page: %v", err)
	}
	return p
}

func find() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// Eval runs JavaScript in the page and returns its value, awaited.
func Eval[T any](p *Page, js string) T {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](js, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("run %s: %v", js, err)
	}
	return v
}

// Until waits for JavaScript to be true.
func (p *Page) Until(within time.Duration, js string) {
	p.t.Helper()
	// The page's policy forbids code from strings, so chromedp's own waiting
	// does not work on it.
	deadline := time.Now().Add(within)
	for !Eval[bool](p, `new Promise((done) => {
		const end = performance.now() + 1000;
		const look = () => (`+js+`) ? done(true) : performance.now() > end ? done(false) : setTimeout(look, 20);
		look();
	})`) {
		if time.Now().After(deadline) {
			p.Screenshot("failed-" + p.t.Name())
			p.t.Fatalf("waited %s for %s; the page says:\n%s", within, js, Eval[string](p, `document.body.innerText`))
		}
	}
}

// Press clicks on an element.
func (p *Page) Press(selector string) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, chromedp.Click(selector)); err != nil {
		p.t.Fatalf("press %s: %v", selector, err)
	}
}

// Keys types keys into an element; "\r" is Enter.
func (p *Page) Keys(selector, keys string) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, chromedp.SendKeys(selector, keys)); err != nil {
		p.t.Fatalf("type into %s: %v", selector, err)
	}
}

// Type empties an input and types keys into it.
func (p *Page) Type(selector, keys string) {
	p.t.Helper()
	Eval[any](p, `(() => { const e = document.querySelector("`+selector+`"); e.value = ""; e.dispatchEvent(new Event("input", {bubbles: true})); return null; })()`)
	p.Keys(selector, keys)
}

// Resize gives the page another size.
func (p *Page) Resize(width, height int) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, chromedp.EmulateViewport(int64(width), int64(height))); err != nil {
		p.t.Fatalf("resize: %v", err)
	}
}

// Memory is what the page holds once garbage is collected.
type Memory struct {
	Heap  int64 // bytes of JavaScript's heap in use
	Nodes int64 // of the document, and those that were taken out of it and are held
}

// Memory collects the page's garbage and tells what is left.
func (p *Page) Memory() Memory {
	p.t.Helper()
	if _, err := chromedp.Call(p.ctx, heapprofiler.CollectGarbage, cdp.Empty{}); err != nil {
		p.t.Fatalf("collect the page's garbage: %v", err)
	}
	heap, err := chromedp.Call(p.ctx, runtime.GetHeapUsage, cdp.Empty{})
	if err != nil {
		p.t.Fatalf("ask for the page's heap: %v", err)
	}
	counted, err := chromedp.Call(p.ctx, memory.GetDOMCounters, cdp.Empty{})
	if err != nil {
		p.t.Fatalf("count the page's nodes: %v", err)
	}
	return Memory{Heap: int64(heap.UsedSize), Nodes: counted.Nodes}
}

// Screenshot writes a picture to the folder that ScreenshotsVariable names.
func (p *Page) Screenshot(name string) {
	p.t.Helper()
	dir := os.Getenv(ScreenshotsVariable)
	if dir == "" {
		return
	}
	png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Errorf("take screenshot %s: %v", name, err)
		return
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil { //nolint:gosec // the folder is the tester's own choice
		p.t.Error(err)
	}
}
