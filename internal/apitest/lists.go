package apitest

import (
	"cmp"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/stretchr/testify/require"
)

// Names collects what name gives for each item of a list, and the error that
// ended it.
func Names[T any](seq iter.Seq2[*T, error], name func(*T) string) ([]string, error) {
	var all []string
	for item, err := range seq {
		if err != nil {
			return all, err
		}
		all = append(all, name(item))
	}
	return all, nil
}

// IntegrationID returns the id of an integration, for [Names] and [Drain].
func IntegrationID(i *apono.Integration) string { return i.ID }

// Objects is a JSON array of objects with these ids.
func Objects(ids []string) string {
	var elements []string
	for _, id := range ids {
		elements = append(elements, fmt.Sprintf(`{"id":%q}`, id))
	}
	return "[" + strings.Join(elements, ",") + "]"
}

// TokenPage returns a page of a list with page tokens.
func TokenPage(token string, ids ...string) string {
	return fmt.Sprintf(`{"items":%s,"pagination":{"next_page_token":%q}}`, Objects(ids), token)
}

// OffsetPage returns a page of a list by offset.
func OffsetPage(total, limit, offset int, ids ...string) string {
	return fmt.Sprintf(`{"data":%s,"pagination":{"total":%d,"limit":%d,"offset":%d}}`, Objects(ids), total, limit, offset)
}

// Pager is a server of one list. Unlike a script it responds to what is asked
// for, so that requests may come in any order, and several at a time.
type Pager struct {
	// Pages are the bodies by page_token or skip; others are rejected with 403.
	Pages map[string]string
	// Status takes the place of the 403.
	Status int
	// Serve, if set, stands in for Pages.
	Serve func(at string) string
	// Delay is how long the response takes.
	Delay func(at string) time.Duration
	// Held are requests that never get a response. Cancelled, each takes another
	// second to end.
	Held func(at string) bool

	mu             sync.Mutex
	asked          []string
	Times          []time.Time
	inFlight, Most int
}

// RoundTrip serves a page.
func (p *Pager) RoundTrip(req *http.Request) (*http.Response, error) {
	p.mu.Lock()
	p.asked, p.Times = append(p.asked, req.URL.RawQuery), append(p.Times, time.Now())
	p.inFlight++
	p.Most = max(p.Most, p.inFlight)
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		p.inFlight--
		p.mu.Unlock()
	}()
	at := req.URL.Query().Get("page_token") + req.URL.Query().Get("skip")
	if p.Held != nil && p.Held(at) {
		<-req.Context().Done()
		time.Sleep(time.Second)
		return nil, req.Context().Err()
	}
	if p.Delay != nil {
		time.Sleep(p.Delay(at))
	}
	status, body := http.StatusOK, p.Pages[at]
	if p.Serve != nil {
		body = p.Serve(at)
	}
	if body == "" {
		status, body = cmp.Or(p.Status, http.StatusForbidden), `{"message":"no page for you"}`
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req}, nil
}

// Requests returns the queries that were received.
func (p *Pager) Requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}

// UnderWay returns how many requests have no response yet.
func (p *Pager) UnderWay() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.inFlight
}

// Client returns a client whose server is the pager.
func (p *Pager) Client(t *testing.T, readAhead int) *apono.Client {
	t.Helper()
	return NewClient(t, NoRequest(t), apono.WithHTTPClient(&http.Client{Transport: p}), apono.WithReadAhead(readAhead))
}

// Drain ranges over a list to its very end, also past an error, so that a list
// that goes on after its error is seen.
func Drain[T any](t *testing.T, seq iter.Seq2[*T, error], id func(*T) string) (ids []string, err error) {
	t.Helper()
	for item, e := range seq {
		require.NoError(t, err, "nothing after the error")
		require.Equal(t, e != nil, item == nil, "an item or an error")
		if err = e; err == nil {
			ids = append(ids, id(item))
		}
	}
	return ids, err
}

// PermissionID returns the id of a permission, for [Names] and [Drain].
func PermissionID(p *apono.Permission) string { return p.ID }
