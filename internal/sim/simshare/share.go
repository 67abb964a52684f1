// Package simshare is a storage account of Azure Files with one share, as far as
// its snapshots go: List Shares, Snapshot Share and Delete Share, as Microsoft's
// REST reference describes them. What is asked in another form, or not signed with
// the account's key, is refused as Azure does.
//
// It has no files: a snapshot is its time and its metadata.
package simshare

import (
	"encoding/base64"
	"encoding/xml"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"hearth/internal/world"
)

// MaxSnapshots is how many a share may have ("Azure Files scalability and
// performance targets").
const MaxSnapshots = 200

const maxPage = 5000

// timeForm is how the service writes a snapshot's time.
const timeForm = "2006-01-02T15:04:05.0000000Z"

// Options say what account it is.
type Options struct {
	Account string
	Key     string // base64
	Share   string // its one share
	Page    int    // how many a list tells at once; 0: maxPage
	Clock   world.Clock
}

// Snapshot is one that there is.
type Snapshot struct {
	ID       string
	Metadata map[string]string
}

// Share is the account. It is an http.Handler, for TLS before it, and safe for
// concurrent use.
type Share struct {
	o   Options
	key []byte

	mu        sync.Mutex // guards what follows
	gone      bool       // the share was deleted
	last      time.Time  // of a snapshot
	snapshots []Snapshot // oldest first
}

// New makes an account with a share without snapshots.
func New(o Options) (*Share, error) {
	key, err := base64.StdEncoding.DecodeString(o.Key)
	if err != nil || len(key) == 0 || o.Account == "" || o.Share == "" || o.Clock == nil {
		return nil, errors.New("a pretend share needs an account, a key in base64, a name and a clock")
	}
	return &Share{o: o, key: key}, nil
}

// Snapshots are those there are, oldest first.
func (s *Share) Snapshots() []Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.snapshots)
}

// Add makes a snapshot as somebody else would, and returns its time.
func (s *Share) Add(metadata map[string]string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add(metadata)
}

func (s *Share) add(metadata map[string]string) string {
	at := s.o.Clock.Now().UTC().Truncate(100 * time.Nanosecond)
	if !at.After(s.last) {
		at = s.last.Add(100 * time.Nanosecond)
	}
	s.last = at
	one := Snapshot{ID: at.Format(timeForm), Metadata: metadata}
	s.snapshots = append(s.snapshots, one)
	return one.ID
}

// Delete deletes the share with all its snapshots.
func (s *Share) Delete() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone, s.snapshots = true, nil
}

// Gone tells whether the share was deleted.
func (s *Share) Gone() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gone
}

// refusal is an answer that is an error.
type refusal struct {
	status        int
	code, message string
}

// ServeHTTP implements http.Handler.
func (s *Share) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Ms-Request-Id", "simshare")
	w.Header().Set("X-Ms-Version", r.Header.Get("X-Ms-Version"))
	w.Header().Set("Date", s.o.Clock.Now().UTC().Format(http.TimeFormat))
	no := s.authorize(r)
	if no == nil {
		no = s.serve(w, r)
	}
	if no != nil {
		w.Header().Set("Content-Type", "application/xml")
		w.Header().Set("X-Ms-Error-Code", no.code)
		w.WriteHeader(no.status)
		_ = xml.NewEncoder(w).Encode(struct { // a client that is gone reads nothing
			XMLName xml.Name `xml:"Error"`
			Code    string
			Message string
		}{Code: no.code, Message: no.message})
	}
}

func (s *Share) serve(w http.ResponseWriter, r *http.Request) *refusal {
	q := r.URL.Query()
	s.mu.Lock()
	defer s.mu.Unlock()
	ours := r.URL.Path == "/"+s.o.Share
	switch {
	case r.URL.Path == "/" && r.Method == http.MethodGet && q.Get("comp") == "list":
		return s.list(w, r)
	case r.URL.Path == "/" || q.Get("restype") != "share":
		return &refusal{http.StatusBadRequest, "InvalidQueryParameterValue", "Value for one of the query parameters specified in the request URI is invalid."}
	case !ours || s.gone:
		return &refusal{http.StatusNotFound, "ShareNotFound", "The specified share does not exist."}
	case r.Method == http.MethodPut && q.Get("comp") == "snapshot":
		return s.snapshot(w, r)
	case r.Method == http.MethodDelete && q.Get("comp") == "":
		return s.delete(w, r)
	}
	return &refusal{http.StatusMethodNotAllowed, "UnsupportedHttpVerb", "The resource doesn't support specified Http Verb."}
}

func (s *Share) snapshot(w http.ResponseWriter, r *http.Request) *refusal {
	if len(s.snapshots) >= MaxSnapshots {
		return &refusal{http.StatusConflict, "ShareSnapshotCountExceeded", "The total number of snapshots for the share is over the limit."}
	}
	metadata := map[string]string{}
	for name, values := range r.Header {
		if key, ok := strings.CutPrefix(strings.ToLower(name), "x-ms-meta-"); ok {
			metadata[key] = strings.Join(values, ",")
		}
	}
	w.Header().Set("X-Ms-Snapshot", s.add(metadata))
	w.Header().Set("Etag", `"0x8D0000000000000"`)
	w.Header().Set("Last-Modified", s.last.Format(http.TimeFormat))
	w.WriteHeader(http.StatusCreated)
	return nil
}

func (s *Share) delete(w http.ResponseWriter, r *http.Request) *refusal {
	id := r.URL.Query().Get("sharesnapshot")
	if id == "" {
		if len(s.snapshots) > 0 && r.Header.Get("X-Ms-Delete-Snapshots") == "" {
			return &refusal{http.StatusConflict, "ShareHasSnapshots", "The share has snapshots and the operation requires no snapshots."}
		}
		s.gone, s.snapshots = true, nil
		w.WriteHeader(http.StatusAccepted)
		return nil
	}
	i := slices.IndexFunc(s.snapshots, func(o Snapshot) bool { return o.ID == id })
	if i < 0 {
		return &refusal{http.StatusNotFound, "ShareSnapshotNotFound", "The specified share snapshot does not exist."}
	}
	s.snapshots = slices.Delete(s.snapshots, i, i+1)
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// metadata is written as elements of its names.
type metadata map[string]string

// MarshalXML implements xml.Marshaler.
func (m metadata) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	if err := e.EncodeToken(start); err != nil {
		return err
	}
	for name, v := range m {
		if err := e.EncodeElement(v, xml.StartElement{Name: xml.Name{Local: name}}); err != nil {
			return err
		}
	}
	return e.EncodeToken(start.End())
}

type listed struct {
	Name       string
	Snapshot   string `xml:",omitempty"`
	Properties struct {
		LastModified string `xml:"Last-Modified"`
		Etag         string
		Quota        int
	}
	Metadata metadata `xml:",omitempty"`
}

func (s *Share) list(w http.ResponseWriter, r *http.Request) *refusal {
	q := r.URL.Query()
	include := strings.Split(q.Get("include"), ",")
	var all []listed
	add := func(name, id string, m map[string]string) {
		one := listed{Name: name, Snapshot: id}
		one.Properties.LastModified, one.Properties.Quota = s.o.Clock.Now().UTC().Format(http.TimeFormat), 20
		if slices.Contains(include, "metadata") {
			one.Metadata = m
		}
		all = append(all, one)
	}
	if !s.gone {
		if slices.Contains(include, "snapshots") {
			for _, one := range s.snapshots {
				add(s.o.Share, one.ID, one.Metadata)
			}
		}
		add(s.o.Share, "", nil)
	}
	// One that begins alike is there in most accounts.
	add(s.o.Share+"-other", s.o.Clock.Now().UTC().Format(timeForm), map[string]string{"takenby": "somebody"})
	all = slices.DeleteFunc(all, func(l listed) bool { return !strings.HasPrefix(l.Name, q.Get("prefix")) })
	page := struct {
		XMLName    xml.Name `xml:"EnumerationResults"`
		Shares     struct{ Share []listed }
		NextMarker string
	}{}
	from, _ := strconv.Atoi(q.Get("marker")) // empty: the beginning
	most, err := strconv.Atoi(q.Get("maxresults"))
	if err != nil {
		most = maxPage
	}
	if s.o.Page > 0 {
		most = min(most, s.o.Page)
	}
	from = min(from, len(all))
	to := min(from+most, len(all))
	page.Shares.Share = all[from:to]
	if to < len(all) {
		page.NextMarker = strconv.Itoa(to)
	}
	w.Header().Set("Content-Type", "application/xml")
	if err := xml.NewEncoder(w).Encode(page); err != nil {
		return nil // the client is gone
	}
	return nil
}
