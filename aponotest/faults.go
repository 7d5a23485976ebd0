package aponotest

import (
	"cmp"
	"context"
	"io"
	"math"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/apono-go/apono/internal/operation"
)

// Fault is how a request goes wrong. The zero value is none.
type Fault struct {
	// Latency is waited before anything else. A request that is given up
	// meanwhile is not carried out.
	Latency time.Duration
	// Status is answered instead of carrying the request out, unless it is 0.
	Status int
	// Header goes into the answer, in place of what it has of the same names:
	// {"Content-Type": {"text/html"}} is a wrong content type.
	Header http.Header
	// Body is the body of an answer with Status. Without Status it takes the
	// place of what carrying the request out would have answered, unless it is
	// empty.
	Body string
	// Break is where the connection breaks, if it does.
	Break Break
}

// Break is a point at which a connection breaks.
type Break string

const (
	// RequestLost breaks the connection before the request is carried out.
	RequestLost Break = "request lost"
	// AnswerLost breaks the connection when the request has been carried out,
	// and nothing has been answered: the caller cannot know.
	AnswerLost Break = "answer lost"
	// AnswerCut breaks the connection in the middle of the answer's body. An
	// answer without one is lost.
	AnswerCut Break = "answer cut"
)

// plannedFault is a fault for the next requests of an operation.
type plannedFault struct {
	Fault
	operation string
	times     int // left
	met       bool
}

// FailNext has the next requests for an operation, as many as times, answered
// with a status, header and body instead of being carried out. The operation is
// named as in package apono, "Integrations.Get" (a ListAll counts as its List),
// or "" for any. Faults for the same operation are used up in the order in
// which they were given; math.MaxInt is one for all requests from then on. What
// is left of a fault when the test ends fails it.
func (s *Server) FailNext(operation string, times, status int, header http.Header, body string) {
	s.help()
	s.FaultNext(operation, times, Fault{Status: status, Header: header, Body: body})
}

// FaultNext has the next requests for an operation, as many as times, go wrong
// in any way that a [Fault] describes. Operations are named, and faults used up,
// as with [Server.FailNext].
func (s *Server) FaultNext(operation string, times int, fault Fault) {
	s.help()
	if operation != "" {
		s.mustKnow(operation)
	}
	if !slices.Contains([]Break{"", RequestLost, AnswerLost, AnswerCut}, fault.Break) {
		s.fail("there is no break %q", fault.Break)
	}
	if fault.Status != 0 && (fault.Status < 200 || fault.Status > 599) {
		s.fail("there is no answer with status %d", fault.Status)
	}
	if times <= 0 {
		s.fail("times must be at least 1, not %d", times)
	}
	defer s.lock()()
	s.faults = append(s.faults, &plannedFault{Fault: fault, operation: operation, times: times})
}

// always is the number of times of a fault that is not used up.
const always = math.MaxInt

// checkFaults fails the test for faults that no request has met.
func (s *Server) checkFaults() {
	s.help()
	defer s.lock()()
	for _, f := range s.faults {
		name := cmp.Or(f.operation, "any operation")
		switch {
		case reflect.ValueOf(f.Fault).IsZero(): // lets requests through to the next
		case f.times == always && !f.met:
			s.tb.Errorf("aponotest: a fault planned for %s was not used", name)
		case f.times != always:
			s.tb.Errorf("aponotest: a fault planned for %s was not used up: %d left", name, f.times)
		}
	}
}

// nextFault uses up a fault for an operation, the zero one if none is planned.
func (s *Server) nextFault(op *operation.Operation) Fault {
	defer s.lock()()
	for i, f := range s.faults {
		if f.operation == "" || op != nil && f.operation == op.Name {
			f.met = true
			if f.times == always {
				return f.Fault
			}
			if f.times--; f.times == 0 {
				s.faults = slices.Delete(s.faults, i, i+1)
			}
			return f.Fault
		}
	}
	return Fault{}
}

// wait reports false if the request was given up before the latency was over.
func (f Fault) wait(ctx context.Context) bool {
	if f.Latency <= 0 {
		return true
	}
	timer := time.NewTimer(f.Latency)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// send writes a reply as the fault leaves it.
func (f Fault) send(w http.ResponseWriter, r reply) {
	for _, header := range []http.Header{r.header, f.Header} {
		for name, values := range header {
			w.Header()[http.CanonicalHeaderKey(name)] = values
		}
	}
	if f.Break == AnswerLost || f.Break == AnswerCut && len(r.body) == 0 {
		abort(w)
		return
	}
	if f.Break != AnswerCut {
		w.WriteHeader(r.status)
		_, _ = w.Write(r.body)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(r.body)))
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body[:len(r.body)/2])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// abort breaks the connection of a request. The beginning of an answer keeps
// net/http, where it is the client, from sending some requests a second time on
// its own account.
func abort(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
		_ = conn.Close()
		return
	}
	panic(http.ErrAbortHandler)
}
