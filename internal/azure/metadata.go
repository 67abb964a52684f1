// Package azure adapts Azure to Hearth's ports: Metadata is what the agent sees
// of its machine through the Instance Metadata Service and its Scheduled
// Events.
package azure

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"hearth/internal/world"
)

var _ world.Metadata = (*Metadata)(nil)

// MetadataURL is where every virtual machine of Azure finds the service. It is
// the host's, and not reachable from outside ("Azure Instance Metadata
// Service").
const MetadataURL = "http://169.254.169.254"

// Where things are, in the versions that Hearth was written for.
const (
	instancePath     = "/metadata/instance?api-version=2021-02-01"
	loadBalancerPath = "/metadata/loadbalancer?api-version=2020-10-01"
	eventsPath       = "/metadata/scheduledevents?api-version=2020-07-01"
)

const (
	// maxAnswer bounds an answer. The description of an instance has about
	// 4 KiB, an event about 500 bytes.
	maxAnswer = 256 << 10
	// maxTold is how much of a refusal an error repeats.
	maxTold = 200
	// dialWithin is how long a connection may take: the service is on the same
	// host.
	dialWithin = 5 * time.Second
)

// Metadata implements world.Metadata by HTTP, as "Azure Instance Metadata
// Service" and "Scheduled Events for Linux VMs" in Microsoft's documentation
// describe it. Deadlines are the caller's: the first look at Notices switches
// Scheduled Events on and may take two minutes. The service answers five
// requests a second.
type Metadata struct {
	base   string
	client *http.Client

	mu   sync.Mutex // guards name
	name string     // of the instance; empty until it was told
}

// NewMetadata uses the service at base, an http URL without a path, such as
// MetadataURL. It makes no call.
func NewMetadata(base string) (*Metadata, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("metadata service: %w", err)
	}
	if u.Scheme != "http" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return nil, fmt.Errorf("metadata service at %q: give an address such as %s", base, MetadataURL)
	}
	return &Metadata{
		base: "http://" + u.Host,
		client: &http.Client{
			// No Proxy, whatever the environment says: the service refuses
			// what was forwarded.
			Transport: &http.Transport{
				DialContext:            (&net.Dialer{Timeout: dialWithin}).DialContext,
				MaxIdleConns:           2,
				IdleConnTimeout:        time.Minute,
				MaxResponseHeaderBytes: 16 << 10,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Machine implements world.Metadata. Reports on where the public address can be
// read differ, and for a Standard address it is often empty in both places; it
// is left out then, and whoever needs it asks ARM.
func (m *Metadata) Machine(ctx context.Context) (world.Machine, error) {
	out, err := m.instance(ctx)
	if err != nil {
		return world.Machine{}, fmt.Errorf("read instance metadata: %w", err)
	}
	if out.Address == "" {
		out.Address = m.balancedAddress(ctx)
	}
	return out, nil
}

// Notices implements world.Metadata. The service tells the events of the whole
// placement group, so they can't be told apart before the instance's name is
// known: it is asked for once, when there is the first event. Until it is told
// there are no notices but an error.
func (m *Metadata) Notices(ctx context.Context) ([]world.Notice, error) {
	list, err := m.notices(ctx)
	if err != nil {
		return nil, fmt.Errorf("read scheduled events: %w", err)
	}
	return list, nil
}

func (m *Metadata) notices(ctx context.Context) ([]world.Notice, error) {
	body, err := m.call(ctx, http.MethodGet, eventsPath, nil)
	if err != nil {
		return nil, err
	}
	var doc scheduledEvents
	if err := json.Unmarshal(body, &doc); err != nil {
		return nil, fmt.Errorf("its answer: %w", err)
	}
	if len(doc.Events) == 0 {
		return nil, nil
	}
	name, err := m.ownName(ctx)
	if err != nil {
		return nil, fmt.Errorf("there are %d, and which machine this is was not told: %w", len(doc.Events), err)
	}
	return doc.of(name), nil
}

// Acknowledge implements world.Metadata. Azure lets an event go on for all of
// its Resources then, not only for this machine.
func (m *Metadata) Acknowledge(ctx context.Context, noticeID string) error {
	type start struct {
		EventID string `json:"EventId"`
	}
	body, err := json.Marshal(struct{ StartRequests []start }{[]start{{noticeID}}})
	if err == nil {
		_, err = m.call(ctx, http.MethodPost, eventsPath, body)
	}
	if err != nil {
		return fmt.Errorf("start scheduled event %s: %w", noticeID, err)
	}
	return nil
}

// ownName is the instance's name.
func (m *Metadata) ownName(ctx context.Context) (string, error) {
	m.mu.Lock()
	name := m.name
	m.mu.Unlock()
	if name != "" {
		return name, nil
	}
	out, err := m.instance(ctx)
	return out.Name, err
}

// instance describes the machine, and remembers its name, which is never empty.
func (m *Metadata) instance(ctx context.Context) (world.Machine, error) {
	body, err := m.call(ctx, http.MethodGet, instancePath, nil)
	if err != nil {
		return world.Machine{}, err
	}
	var doc instance
	if err := json.Unmarshal(body, &doc); err != nil {
		return world.Machine{}, fmt.Errorf("its answer: %w", err)
	}
	if doc.Compute.Name == "" {
		return world.Machine{}, errors.New("its answer has no compute.name")
	}
	m.mu.Lock()
	m.name = doc.Compute.Name
	m.mu.Unlock()
	return world.Machine{
		Name: doc.Compute.Name, Size: doc.Compute.VMSize, Zone: doc.Compute.Zone, Address: doc.address(),
	}, nil
}

// balancedAddress is the public address in front of the machine, if the service
// tells. That is documented for what stands behind a load balancer; the others
// get a 404.
func (m *Metadata) balancedAddress(ctx context.Context) string {
	body, err := m.call(ctx, http.MethodGet, loadBalancerPath, nil)
	if err != nil {
		return ""
	}
	var doc loadBalancer
	if json.Unmarshal(body, &doc) != nil {
		return ""
	}
	return doc.address()
}

// call makes one request and returns the body of a 200.
func (m *Metadata) call(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, m.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Metadata", "true") // proves that it was not redirected by mistake
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := m.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }() // it was only read
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("its answer: %w", err)
	}
	if len(answer) > maxAnswer {
		return nil, fmt.Errorf("its answer has more than %d bytes", maxAnswer)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, refusal(resp.StatusCode, answer)
	}
	return answer, nil
}

// StatusError is an answer of the service other than 200.
type StatusError struct {
	Code   int
	Detail string // what it said, at most 200 bytes
}

// Error implements error.
func (e *StatusError) Error() string {
	out := fmt.Sprintf("status %d %s", e.Code, http.StatusText(e.Code))
	if e.Detail != "" {
		out += fmt.Sprintf(" (%q)", e.Detail)
	}
	// The same request may succeed later: after 410 (in at most 70 s), 429 (more
	// than five a second) and any 5xx.
	if e.Code == http.StatusGone || e.Code == http.StatusTooManyRequests || e.Code >= 500 {
		out += ", try again"
	}
	return out
}

func refusal(code int, answer []byte) error {
	var doc struct {
		Error string `json:"error"`
	}
	detail := strings.TrimSpace(string(answer))
	if json.Unmarshal(answer, &doc) == nil && doc.Error != "" {
		detail = doc.Error
	}
	detail = strings.ToValidUTF8(detail[:min(len(detail), maxTold)], "")
	return &StatusError{Code: code, Detail: detail}
}

// instance is what Hearth reads of /metadata/instance.
type instance struct {
	Compute struct {
		Name   string `json:"name"`
		VMSize string `json:"vmSize"`
		Zone   string `json:"zone"`
	} `json:"compute"`
	Network struct {
		Interface []struct {
			IPv4 struct {
				IPAddress []struct {
					PublicIPAddress string `json:"publicIpAddress"`
				} `json:"ipAddress"`
			} `json:"ipv4"`
		} `json:"interface"`
	} `json:"network"`
}

func (i *instance) address() string {
	for _, nic := range i.Network.Interface {
		for _, ip := range nic.IPv4.IPAddress {
			if a := address(ip.PublicIPAddress); a != "" {
				return a
			}
		}
	}
	return ""
}

// loadBalancer is what Hearth reads of /metadata/loadbalancer.
type loadBalancer struct {
	LoadBalancer struct {
		PublicIPAddresses []struct {
			FrontendIPAddress string `json:"frontendIpAddress"`
		} `json:"publicIpAddresses"`
	} `json:"loadbalancer"`
}

func (l *loadBalancer) address() string {
	for _, ip := range l.LoadBalancer.PublicIPAddresses {
		if a := address(ip.FrontendIPAddress); a != "" {
			return a
		}
	}
	return ""
}

// address is s if it is an address.
func address(s string) string {
	if _, err := netip.ParseAddr(s); err != nil {
		return ""
	}
	return s
}

// scheduledEvents is what Hearth reads of /metadata/scheduledevents.
type scheduledEvents struct {
	Events []scheduledEvent
}

type scheduledEvent struct {
	EventID     string `json:"EventId"`
	EventType   string
	Resources   []string
	EventStatus string
	NotBefore   string
}

// of are the events of one machine. Kinds that Hearth does not know are passed
// on: what they mean is for others to say.
func (s *scheduledEvents) of(name string) []world.Notice {
	var out []world.Notice
	for _, e := range s.Events {
		if e.names(name) {
			out = append(out, e.notice())
		}
	}
	return out
}

// names: the event is about this machine. Resources have the names of virtual
// machines: SET_8 hex digits in a Flexible scale set, SET_number in a Uniform
// one, as compute.name has it ("Understand names and instance IDs"). Names in
// Azure do not tell upper from lower case. Before version 2017-08-01 of the
// events an underscore stood before the name.
func (e *scheduledEvent) names(name string) bool {
	for _, r := range e.Resources {
		if strings.EqualFold(strings.TrimPrefix(r, "_"), name) {
			return true
		}
	}
	return false
}

func (e *scheduledEvent) notice() world.Notice {
	n := world.Notice{ID: e.EventID, Kind: e.EventType, Started: strings.EqualFold(e.EventStatus, "Started")}
	if !n.Started {
		// One whose time can't be read is a notice all the same.
		n.NotBefore, _ = http.ParseTime(e.NotBefore)
	}
	return n
}
