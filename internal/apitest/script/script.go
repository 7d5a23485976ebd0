// Package script has an http.RoundTripper that returns scripted responses and records
// requests. It needs no network, so that tests can use the fake time of
// testing/synctest.
package script

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// Response is the response to one request, or its error.
type Response struct {
	Status  int // 200 if zero
	Header  map[string]string
	Body    string
	Err     error         // returned instead of a response if not nil
	Delay   time.Duration // before the response, or until the request's context ends
	BodyErr error         // returned at the end of the body instead of io.EOF if not nil
}

// Request is a recorded request.
type Request struct {
	Method  string
	URL     string
	Path    string // escaped
	Query   string // raw
	Header  http.Header
	Body    string
	HasBody bool // Body is not empty
	At      time.Time
}

// Transport returns scripted responses.
type Transport struct {
	tb        testing.TB
	mu        sync.Mutex
	responses []Response
	requests  []Request
}

// New returns a transport that returns the responses in order. The test fails if
// there are more or fewer requests than responses.
func New(tb testing.TB, responses ...Response) *Transport {
	t := &Transport{tb: tb, responses: responses}
	tb.Cleanup(func() {
		if n := len(t.responses) - len(t.requests); n > 0 && !tb.Failed() {
			tb.Errorf("%d of %d responses were not requested", n, len(t.responses))
		}
	})
	return t
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	recorded := Request{
		Method: req.Method, URL: req.URL.String(), Path: req.URL.EscapedPath(), Query: req.URL.RawQuery,
		Header: req.Header.Clone(), At: time.Now(),
	}
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		_ = req.Body.Close()
		if err != nil {
			return nil, err
		}
		recorded.Body, recorded.HasBody = string(body), len(body) > 0
	}
	t.mu.Lock()
	t.requests = append(t.requests, recorded)
	n := len(t.requests)
	t.mu.Unlock()
	if n > len(t.responses) {
		t.tb.Errorf("no response for request %d: %s %s", n, req.Method, req.URL.Path)
		return nil, errors.New("script: no response left")
	}
	return t.responses[n-1].give(req)
}

// Requests returns the requests so far.
func (t *Transport) Requests() []Request {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]Request(nil), t.requests...)
}

// Client returns an http.Client that uses the transport.
func (t *Transport) Client() *http.Client { return &http.Client{Transport: t} }

func (a Response) give(req *http.Request) (*http.Response, error) {
	if a.Delay > 0 {
		timer := time.NewTimer(a.Delay)
		defer timer.Stop()
		select {
		case <-req.Context().Done():
			return nil, req.Context().Err()
		case <-timer.C:
		}
	}
	if a.Err != nil {
		return nil, a.Err
	}
	header := http.Header{"Content-Type": {"application/json"}}
	for name, value := range a.Header {
		header.Set(name, value)
	}
	status := a.Status
	if status == 0 {
		status = http.StatusOK
	}
	var body io.Reader = strings.NewReader(a.Body)
	length := int64(len(a.Body))
	if a.BodyErr != nil {
		body, length = io.MultiReader(body, failingReader{a.BodyErr}), -1
	}
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(body), ContentLength: length, Request: req,
	}, nil
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }
