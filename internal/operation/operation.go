// Package operation holds the table of the API's operations, with name, method, path
// and retry class of each.
//
// The resource files of the root package add the entries. The client, the fake
// server and the contract tests use the same table.
package operation

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Class is the effect of sending a request twice. It determines when an operation
// is retried.
type Class int

const (
	// Idempotent is for GET, PUT and DELETE: a second request has no further effect.
	Idempotent Class = iota
	// Acting is for POST and PATCH: a second request takes effect again.
	Acting
	// Consuming is for reads that consume what they return, such as one-time
	// credentials: a second request does not return it again.
	Consuming
)

// Retries lists the outcomes of an attempt after which the request is retried.
type Retries struct {
	RateLimited bool // status 429: the server did not carry out the request
	Temporary   bool // status 408, 425, 500, 502, 503 or 504
	Unsent      bool // the connection failed before anything was sent
	Broken      bool // the connection failed later, or the body was cut short
}

// retries is the table in the README.
var retries = map[Class]Retries{
	Idempotent: {RateLimited: true, Temporary: true, Unsent: true, Broken: true},
	Acting:     {RateLimited: true, Unsent: true},
	Consuming:  {Unsent: true},
}

// Retries returns the outcomes after which operations of the class are retried.
func (c Class) Retries() Retries { return retries[c] }

// classes has the class of each method. [Operation.Consuming] overrides it.
var classes = map[string]Class{
	http.MethodGet:    Idempotent,
	http.MethodPut:    Idempotent,
	http.MethodDelete: Idempotent,
	http.MethodPost:   Acting,
	http.MethodPatch:  Acting,
}

// Methods returns the HTTP methods that the API supports.
func Methods() []string {
	return []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
}

// Operation is one endpoint of the API.
type Operation struct {
	Name    string // service and method, such as "Integrations.Get"
	Method  string
	Path    string // template, such as "/api/admin/v4/integrations/{id}"
	Class   Class
	Changes bool // the operation changes something on the server
	// Identity is the field that every object of the response must have and that must not
	// be empty, "id" by default.
	Identity string
	// AnyOf are the fields of which the response must have one, in place of Identity.
	AnyOf []string

	// The path is parsed on first use, because most programs call few operations.
	once                 sync.Once
	segments, parameters []string
}

var table []*Operation

// New adds an operation to the table. It panics if the API does not support the
// method. It does not check for duplicates, which would slow the start of every
// program; tests do.
func New(name, method, path string) *Operation {
	op := describe(name, method, path)
	table = append(table, op)
	return op
}

// Consuming sets the class [Consuming] and Changes. Such a read is not retried once
// it may have reached the server.
func (op *Operation) Consuming() *Operation {
	op.Class, op.Changes = Consuming, true
	return op
}

// Identified sets Identity, which is empty if no field identifies an object.
func (op *Operation) Identified(member string) *Operation {
	op.Identity = member
	return op
}

// Requires sets AnyOf, for responses in which even an empty field is data.
func (op *Operation) Requires(anyOf ...string) *Operation {
	op.Identity, op.AnyOf = "", anyOf
	return op
}

// All returns all operations in the order in which they were added.
func All() []*Operation { return slices.Clone(table) }

// Lookup returns the operation with the given name, or nil.
func Lookup(name string) *Operation {
	for _, op := range table {
		if op.Name == name {
			return op
		}
	}
	return nil
}

// Match returns the operation for a method and an escaped path, or nil. If several
// match, it returns the one with the most literal segments.
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

// Unknown returns an operation that is not in the table. Segments that may be
// arguments are masked in its path, so that messages can contain it. Reads of
// access details consume credentials in every version of the API.
func Unknown(method, path string) *Operation {
	segments := strings.Split(path, "/")
	last, _, _ := strings.Cut(segments[len(segments)-1], "%3B") // parameters after ";"
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

// parts returns the segments of the path, which it parses once.
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

// Args returns the arguments in an escaped path that matches the operation, in the
// order of its parameters.
func (op *Operation) Args(path string) []string {
	var args []string
	for i, segment := range strings.Split(path, "/") {
		if _, ok := parameter(op.parts()[i]); ok {
			args = append(args, segment)
		}
	}
	return args
}

// Fill returns the path with each parameter replaced, in order, by the result of
// escape.
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
	return &Operation{Name: name, Method: method, Path: path, Class: class, Changes: method != http.MethodGet, Identity: "id"}
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

// isName reports whether a segment is a literal ("access-flows", "v4") rather than
// an argument.
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
