package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/apono-go/apono/aponotest"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// controlPath is the start of the paths of the control API. Paths of Apono start with
// /api/.
const controlPath = "/fake/"

// maxControl is the maximum size of a body of the control API in bytes.
const maxControl = 1 << 20

// controlled serves a fake server and the control API for it.
type controlled struct {
	start   func() (*aponotest.Server, error)
	latency time.Duration // of the fake server's responses
	server  atomic.Pointer[aponotest.Server]
}

// reset replaces the fake server by a new one.
func (c *controlled) reset() error {
	server, err := c.start()
	if err != nil {
		return err
	}
	if old := c.server.Swap(server); old != nil {
		old.Close()
	}
	return nil
}

func (c *controlled) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, controlPath) {
		c.serveControl(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || !wait(r.Context(), c.latency) {
		return // the client closed the connection
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	c.server.Load().ServeHTTP(w, r)
}

// wait reports whether ctx is still alive after d.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

func (c *controlled) serveControl(w http.ResponseWriter, r *http.Request) {
	result, err := c.control(w, r)
	status := http.StatusOK
	switch wrong := (problem{}); {
	case errors.As(err, &wrong):
		status, result = wrong.status, map[string]string{"message": wrong.Error()}
	case err != nil:
		status, result = http.StatusInternalServerError, map[string]string{"message": err.Error()}
	case result == nil:
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.MarshalWrite(w, result, jsontext.AllowInvalidUTF8(true)) // bodies may have any bytes
}

// problem is an error with the status of its response.
type problem struct {
	status int
	error
}

func badRequest(err error) error { return problem{http.StatusBadRequest, err} }

// control carries out a request of the control API.
func (c *controlled) control(w http.ResponseWriter, r *http.Request) (result any, err error) {
	server := c.server.Load()
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token != server.Token {
		return nil, problem{http.StatusUnauthorized, errors.New("missing or wrong token")}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxControl))
	if err != nil {
		return nil, problem{http.StatusRequestEntityTooLarge, err}
	}
	switch r.Method + " " + r.URL.Path {
	case "POST /fake/approve":
		return nil, decide(server, body, server.Approve)
	case "POST /fake/reject":
		return nil, decide(server, body, server.Reject)
	case "POST /fake/fail":
		return nil, decide(server, body, server.Fail)
	case "POST /fake/advance":
		return nil, advance(server, body)
	case "POST /fake/faults":
		return nil, planFault(server, body)
	case "POST /fake/reset":
		if err := decode(body, &struct{}{}); err != nil {
			return nil, err
		}
		return nil, c.reset()
	case "GET /fake/requests":
		return requests(server, r.URL.Query())
	}
	return nil, problem{http.StatusNotFound, fmt.Errorf("no operation %s %s: see fakeserver -h", r.Method, r.URL.Path)}
}

// decode decodes a body, which is an object or empty.
func decode(body []byte, in any) error {
	if len(body) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, in, json.RejectUnknownMembers(true)); err != nil {
		return badRequest(err)
	}
	return nil
}

// duration is a duration in the form of flags, such as "90s".
type duration time.Duration

func (d *duration) UnmarshalText(text []byte) error {
	value, err := time.ParseDuration(string(text))
	*d = duration(value)
	return err
}

// decide changes the status of the access request that the body names.
func decide(server *aponotest.Server, body []byte, change func(id string)) error {
	var in struct {
		ID string `json:"id"`
	}
	if err := decode(body, &in); err != nil {
		return err
	}
	if in.ID == "" {
		return badRequest(errors.New("id must not be empty"))
	}
	if !server.Get(aponotest.AccessRequests, in.ID, &struct{}{}) {
		return problem{http.StatusNotFound, fmt.Errorf("access request %q not found", in.ID)}
	}
	if err := try(func() { change(in.ID) }); err != nil {
		return problem{http.StatusConflict, err}
	}
	return nil
}

func advance(server *aponotest.Server, body []byte) error {
	var in struct {
		Duration duration `json:"duration"`
	}
	if err := decode(body, &in); err != nil {
		return err
	}
	if in.Duration <= 0 {
		return badRequest(errors.New("duration must be positive"))
	}
	server.Advance(time.Duration(in.Duration))
	return nil
}

func planFault(server *aponotest.Server, body []byte) error {
	var in struct {
		Operation string            `json:"operation"`
		Times     int               `json:"times"`
		After     int               `json:"after"`
		Latency   duration          `json:"latency"`
		Status    int               `json:"status"`
		Header    map[string]string `json:"header"`
		Body      string            `json:"body"`
		Break     aponotest.Break   `json:"break"`
	}
	in.Times = 1
	if err := decode(body, &in); err != nil {
		return err
	}
	fault := aponotest.Fault{After: in.After, Latency: time.Duration(in.Latency), Status: in.Status, Body: in.Body, Break: in.Break}
	for name, value := range in.Header {
		if fault.Header == nil {
			fault.Header = http.Header{}
		}
		fault.Header.Set(name, value)
	}
	if err := try(func() { server.FaultNext(in.Operation, in.Times, fault) }); err != nil {
		return badRequest(err)
	}
	return nil
}

// received is a request that the fake server received.
type received struct {
	Operation string              `json:"operation"`
	Method    string              `json:"method"`
	Path      string              `json:"path"`
	Query     map[string][]string `json:"query"`
	Header    map[string][]string `json:"header"`
	Body      string              `json:"body"`
	Status    int                 `json:"status"`
}

// requests returns the requests that the server received, of the operations in the query
// if there are any.
func requests(server *aponotest.Server, query url.Values) (any, error) {
	operations := query["operation"]
	if delete(query, "operation"); len(query) > 0 {
		return nil, badRequest(errors.New("the only query parameter is operation"))
	}
	list := []received{}
	err := try(func() {
		for _, request := range server.Requests(operations...) {
			list = append(list, received{
				request.Operation, request.Method, request.Path, request.Query, request.Header, request.Body, request.Status,
			})
		}
	})
	if err != nil {
		return nil, badRequest(err)
	}
	return list, nil
}

// try calls a method of a server and returns its misuse, for which it panics, as an error.
func try(call func()) (err error) {
	defer func() {
		if v := recover(); v != nil {
			message, _ := v.(string)
			misuse, known := strings.CutPrefix(message, "aponotest: ")
			if !known {
				panic(v)
			}
			err = errors.New(misuse)
		}
	}()
	call()
	return nil
}
