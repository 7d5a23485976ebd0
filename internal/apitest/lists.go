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

// Names returns the result of name for each item of a list, and the error that ended
// the list.
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

// IntegrationID returns the ID of an integration, for [Names] and [Drain].
func IntegrationID(i *apono.Integration) string { return i.ID }

// Objects returns a JSON array of objects with the ids.
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

// Pager is an http.RoundTripper that serves one list. Unlike a script, its responses
// depend on the request, which may be concurrent and in any order.
type Pager struct {
	// Pages are the bodies by page_token or skip.
	Pages map[string]string
	// Status is the status for other requests, 403 by default.
	Status int
	// Serve replaces Pages if not nil.
	Serve func(at string) string
	// Delay is the time before the response.
	Delay func(at string) time.Duration
	// Held reports whether a request gets no response. After its context has ended,
	// such a request takes another second to return.
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

// Requests returns the queries of the requests.
func (p *Pager) Requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}

// UnderWay returns the number of requests without a response yet.
func (p *Pager) UnderWay() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.inFlight
}

// ReadAhead returns apono.WithReadAhead, or for 0 an option without effect.
func ReadAhead(pages int) apono.Option {
	if pages > 0 {
		return apono.WithReadAhead()
	}
	return apono.WithMaxResponseBytes(64 << 20)
}

// Client returns a client whose requests go to the pager.
func (p *Pager) Client(t *testing.T, readAhead int) *apono.Client {
	t.Helper()
	return NewClient(t, NoRequest(t), apono.WithHTTPClient(&http.Client{Transport: p}), ReadAhead(readAhead))
}

// Drain ranges over a list and returns the ids and the error that ended it. The test
// fails if the list continues after an error.
func Drain[T any](t *testing.T, seq iter.Seq2[*T, error], id func(*T) string) (ids []string, err error) {
	t.Helper()
	for item, e := range seq {
		require.NoError(t, err, "the list continues after an error")
		require.Equal(t, e != nil, item == nil, "the list must yield an item or an error")
		if err = e; err == nil {
			ids = append(ids, id(item))
		}
	}
	return ids, err
}

// PermissionID returns the ID of a permission, for [Names] and [Drain].
func PermissionID(p *apono.Permission) string { return p.ID }
