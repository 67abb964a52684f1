package simdiscord

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"time"

	"hearth/internal/sim/simdiscord/guild"
)

// Budgets. Only the global one, the ban and the daily creates are documented;
// bots must go by the headers. The others are near what Discord was seen to
// send.
const (
	globalLimit   = 50
	globalPeriod  = time.Second
	createsWindow = 24 * time.Hour
	banLimit      = 10_000 // invalid requests before the address is banned
	banPeriod     = 10 * time.Minute
	oldEdits      = 3 // edits of old messages, per channel
	oldEditPeriod = 6 * time.Second
	oldMessage    = time.Hour
)

// window counts uses in a fixed stretch of time that begins with the first.
type window struct {
	Start time.Time `json:"start"`
	Used  int       `json:"used"`
}

// roll begins a new window if the present one is over.
func (w *window) roll(now time.Time, period time.Duration) {
	if w.Start.IsZero() || !now.Before(w.Start.Add(period)) {
		*w = window{Start: now}
	}
}

// take uses n of the window's limit, or nothing if that is too much.
func (w *window) take(now time.Time, n, limit int, period time.Duration) bool {
	w.roll(now, period)
	if w.Used+n > limit {
		return false
	}
	w.Used += n
	return true
}

// left is how long the window still lasts.
func (w *window) left(now time.Time, period time.Duration) time.Duration {
	return w.Start.Add(period).Sub(now)
}

// limits holds every budget of the REST face.
type limits struct {
	global  window
	invalid window
	buckets map[string]*window
	edits   map[string]*window // of old messages, by channel
}

func (l *limits) reset() {
	*l = limits{buckets: map[string]*window{}, edits: map[string]*window{}}
}

// maxBuckets bounds the buckets that are kept; each interaction's token has
// its own.
const maxBuckets = 1000

// quota is the budget of one route.
type quota struct {
	key    string // the route and its major parameters
	limit  int
	period time.Duration
}

// spend takes one call from a route's bucket and writes the headers. It
// reports false, with 0 remaining, if nothing was left.
func (l *limits) spend(now time.Time, q quota, h http.Header) bool {
	w := l.buckets[q.key]
	if w == nil {
		if len(l.buckets) >= maxBuckets {
			clear(l.buckets)
		}
		w = &window{}
		l.buckets[q.key] = w
	}
	ok := w.take(now, 1, q.limit, q.period)
	q.tell(h, now, w.left(now, q.period), q.limit-w.Used)
	return ok
}

// tell writes the headers of a bucket that has so many calls left, until so
// much time has passed.
func (q quota) tell(h http.Header, now time.Time, left time.Duration, calls int) {
	sum := sha256.Sum256([]byte(q.key))
	h.Set("X-RateLimit-Limit", strconv.Itoa(q.limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(calls))
	h.Set("X-RateLimit-Reset", strconv.FormatFloat(float64(now.Add(left).UnixMilli())/1000, 'f', 3, 64))
	h.Set("X-RateLimit-Reset-After", seconds(left))
	h.Set("X-RateLimit-Bucket", hex.EncodeToString(sum[:16]))
}

// seconds writes a wait to the millisecond, rounded up so that whoever waits
// that long has waited long enough.
func seconds(d time.Duration) string {
	return strconv.FormatFloat(math.Ceil(float64(d)/float64(time.Millisecond))/1000, 'f', 3, 64)
}

// limited is the 429 of a rate limit. scope is user, global or shared.
func limited(wait time.Duration, scope string, code int) reply {
	text := "You are being rate limited."
	body := map[string]any{"retry_after": json.Number(seconds(wait)), "global": scope == "global"}
	if code != 0 {
		body["code"] = code
		text = "Maximum number of edits to messages older than 1 hour reached. Try again later."
	}
	body["message"] = text
	r := reply{status: http.StatusTooManyRequests, body: body, header: http.Header{}}
	r.header.Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	r.header.Set("X-RateLimit-Scope", scope)
	if scope == "global" {
		// As in the documentation's example: no bucket on a global one.
		r.header.Set("X-RateLimit-Global", "true")
	}
	return r
}

// oldEdit takes one edit of a message older than an hour from the channel's
// budget; ok is false when it is spent. d.mu is held.
func (d *Discord) oldEdit(m *guild.Stored) (refused reply, ok bool) {
	now := d.opts.Clock.Now()
	if now.Sub(m.Timestamp) <= oldMessage {
		return reply{}, true
	}
	w := d.limits.edits[m.ChannelID]
	if w == nil {
		w = &window{}
		d.limits.edits[m.ChannelID] = w
	}
	if w.take(now, 1, oldEdits, oldEditPeriod) {
		return reply{}, true
	}
	return limited(w.left(now, oldEditPeriod), "user", 30046), false
}
