// Package operation holds the table of the API's operations: how each is
// called in this library, how it is addressed, and when it is retried.
//
// The entries stand in the resource files of the root package; this package
// collects them, so that the fake server and the contract tests read the very
// table that the client works from.
package operation

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// Class is what a second request does, and so when one may be sent on the
// client's own account.
type Class int

const (
	// Idempotent is for GET, PUT and DELETE: a second request has the effect of
	// the first.
	Idempotent Class = iota
	// Acting is for POST and PATCH: a second request acts a second time.
	Acting
	// Consuming is for reads that use something up, such as one-time
	// credentials: what the first request got is lost to the second.
	Consuming
)

// Retries says after which outcomes of an attempt another one follows.
type Retries struct {
	// RateLimited is the status 429: the server says that it did nothing.
	RateLimited bool
	// Temporary are the other statuses that may pass: 408, 425, 500, 502, 503
	// and 504.
	Temporary bool
	// Unsent is a connection that failed before anything was sent.
	Unsent bool
	// Broken is a connection that broke later, or a body that was cut short.
	Broken bool
}

// retries is the table that the README shows.
var retries = map[Class]Retries{
	Idempotent: {RateLimited: true, Temporary: true, Unsent: true, Broken: true},
	Acting:     {RateLimited: true, Unsent: true},
	Consuming:  {Unsent: true},
}

// Retries returns after which outcomes operations of the class are retried.
func (c Class) Retries() Retries { return retries[c] }

// classes has the class of each method; Consuming overrides it.
var classes = map[string]Class{
	http.MethodGet:    Idempotent,
	http.MethodPut:    Idempotent,
	http.MethodDelete: Idempotent,
	http.MethodPost:   Acting,
	http.MethodPatch:  Acting,
}

// Methods lists the HTTP methods that the API knows.
func Methods() []string {
	return []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
}

// Operation is one endpoint of the API.
type Operation struct {
	// Name is the operation in this library's words, "Integrations.Get".
	Name string
	// Method is the HTTP method.
	Method string
	// Path is the path template, "/api/admin/v4/integrations/{id}".
	Path string
	// Class says when the operation is retried.
	Class Class
	// Changes says that the operation alters something on the server.
	Changes bool

	// Most operations are never called, so the path is taken apart when it is
	// first needed.
	once                 sync.Once
	segments, parameters []string
}

var table []*Operation

// New adds an operation to the table. It panics on a method that the API does
// not know. That names and addresses are used once is for tests to see, because
// every program would pay for looking.
func New(name, method, path string) *Operation {
	op := describe(name, method, path)
	table = append(table, op)
	return op
}

// Consuming marks a read that uses something up: it counts as a change, and it
// is never retried once it may have reached the server.
func (op *Operation) Consuming() *Operation {
	op.Class, op.Changes = Consuming, true
	return op
}

// All returns the table, in the order in which the entries were added.
func All() []*Operation { return slices.Clone(table) }

// Lookup returns the operation with this name, or nil.
func Lookup(name string) *Operation {
	for _, op := range table {
		if op.Name == name {
			return op
		}
	}
	return nil
}

// Match returns the operation that an escaped path addresses, or nil. Where
// two fit, the one with more literal segments wins.
func Match(method, path string) *Operation {
	segments := strings.Split(path, "/")
	var best *Operation
	for _, op := range table {
		if op.Method == method && op.fits(segments) && (best == nil || op.literals() > best.literals()) {
			best = op
		}
	}
	return best
}

// Unknown describes an operation that the table does not hold. Segments that
// may be arguments rather than names are masked in its path, so that the path
// can stand in messages. Reads of access details use up credentials in every
// version of the API, however a server lets them be spelt.
func Unknown(method, path string) *Operation {
	segments := strings.Split(path, "/")
	last, err := url.PathUnescape(segments[len(segments)-1])
	if err != nil {
		last = segments[len(segments)-1]
	}
	last, _, _ = strings.Cut(last, ";")
	for i, segment := range segments {
		if !isName(segment) {
			segments[i] = "{}"
		}
	}
	op := describe("Do", method, strings.Join(segments, "/"))
	if strings.EqualFold(last, "access-details") {
		return op.Consuming()
	}
	return op
}

// Parameters returns the names of the path's parameters in order.
func (op *Operation) Parameters() []string {
	op.parts()
	return op.parameters
}

// parts returns the segments of the path.
func (op *Operation) parts() []string {
	op.once.Do(func() {
		op.segments = strings.Split(op.Path, "/")
		for _, segment := range op.segments {
			if name, ok := parameter(segment); ok {
				op.parameters = append(op.parameters, name)
			}
		}
	})
	return op.segments
}

// Args returns the arguments of an escaped path that fits the operation, in
// the order of its parameters.
func (op *Operation) Args(path string) []string {
	var args []string
	for i, segment := range strings.Split(path, "/") {
		if _, ok := parameter(op.parts()[i]); ok {
			args = append(args, segment)
		}
	}
	return args
}

// Fill returns the path with each parameter replaced, in order, by what
// escape gives for it.
func (op *Operation) Fill(escape func(i int, name string) string) string {
	var b strings.Builder
	b.Grow(2 * len(op.Path))
	n := 0
	for i, segment := range op.parts() {
		if i > 0 {
			b.WriteByte('/')
		}
		if name, ok := parameter(segment); ok {
			segment = escape(n, name)
			n++
		}
		b.WriteString(segment)
	}
	return b.String()
}

func describe(name, method, path string) *Operation {
	class, ok := classes[method]
	if !ok {
		panic(fmt.Sprintf("operation: %s has the unknown method %q", name, method))
	}
	return &Operation{Name: name, Method: method, Path: path, Class: class, Changes: method != http.MethodGet}
}

func (op *Operation) fits(segments []string) bool {
	if len(segments) != len(op.parts()) {
		return false
	}
	for i, want := range op.parts() {
		if _, ok := parameter(want); ok {
			if segments[i] == "" {
				return false
			}
		} else if segments[i] != want {
			return false
		}
	}
	return true
}

func (op *Operation) literals() int { return len(op.parts()) - len(op.Parameters()) }

func parameter(segment string) (string, bool) {
	name, opens := strings.CutPrefix(segment, "{")
	name, closes := strings.CutSuffix(name, "}")
	return name, opens && closes
}

// isName tells a path's own words ("access-flows", "v4") from arguments.
func isName(segment string) bool {
	digits := 0
	for _, r := range segment {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r >= 'a' && r <= 'z', r == '-', r == '_':
		default:
			return false
		}
	}
	return digits == 0 || len(segment) <= 3 && segment[0] == 'v'
}
