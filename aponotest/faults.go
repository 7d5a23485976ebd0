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

// Fault describes how a request fails.
type Fault struct {
	// After is the number of requests of the operation that succeed before the fault.
	After int
	// Latency delays the request. A request that the client cancels during that time
	// is not processed.
	Latency time.Duration
	// Status, 200 to 599, is returned without processing the request. If it is 0,
	// the request is processed.
	Status int
	// Header is set in the response, replacing values of the same name. For example,
	// {"Content-Type": {"text/html"}} sets a wrong content type.
	Header http.Header
	// Body is the body of the response. If Status is 0 and Body is empty, the response
	// has its regular body.
	Body string
	// Break closes the connection, if not empty.
	Break Break
}

// Break is the point at which a [Fault] closes the connection.
type Break string

// The points at which a connection can close. With ResponseLost and ResponseCut, the request
// is processed unless the [Fault] has a Status.
const (
	RequestLost  Break = "request lost"  // before the request is processed
	ResponseLost Break = "response lost" // before the response is sent
	ResponseCut  Break = "response cut"  // within the body of the response; ResponseLost if it has none
)

// plannedFault is a fault for the next requests of an operation.
type plannedFault struct {
	Fault
	operation string
	times     int // remaining
	used      bool
}

// FaultNext applies a [Fault] to the next requests of an operation; times is their
// number. The operation is a name of package apono, such as "Integrations.Get", or ""
// for any operation. Requests of a ListAll method count as its List.
//
// Faults of the same operation are used in the order in which they were planned. A
// times of [math.MaxInt] applies to all further requests. FaultNext fails the test if
// the fault has no effect, and the test of [NewServer] fails if planned faults are not
// used up when it ends.
func (s *Server) FaultNext(operation string, times int, fault Fault) {
	s.help()
	if operation != "" {
		s.mustKnow(operation)
	}
	if !slices.Contains([]Break{"", RequestLost, ResponseLost, ResponseCut}, fault.Break) {
		s.fail("unknown Break %q", fault.Break)
	}
	if fault.Status != 0 && (fault.Status < 200 || fault.Status > 599) {
		s.fail("Status must be 200 to 599, not %d", fault.Status)
	}
	effect := fault
	effect.After = 0
	switch {
	case fault.After < 0:
		s.fail("After must not be negative, got %d", fault.After)
	case reflect.ValueOf(effect).IsZero():
		s.fail("a Fault without Latency, Status, Header, Body and Break has no effect")
	}
	if times <= 0 {
		s.fail("times must be at least 1, not %d", times)
	}
	defer s.lock()()
	s.faults = append(s.faults, &plannedFault{Fault: fault, operation: operation, times: times})
}

// always is the times of a fault that is not used up.
const always = math.MaxInt

// checkFaults fails the test if planned faults were not used.
func (s *Server) checkFaults() {
	s.help()
	defer s.lock()()
	for _, f := range s.faults {
		name := cmp.Or(f.operation, "any operation")
		switch {
		case f.times == always && !f.used:
			s.tb.Errorf("aponotest: a fault planned for %s was not used", name)
		case f.times != always:
			s.tb.Errorf("aponotest: a fault planned for %s was not used up: %d left", name, f.times)
		}
	}
}

// nextFault returns the next fault of an operation, or the zero Fault if none is
// planned.
func (s *Server) nextFault(op *operation.Operation) Fault {
	defer s.lock()()
	for i, f := range s.faults {
		if f.operation == "" || op != nil && f.operation == op.Name {
			if f.After > 0 {
				f.After--
				return Fault{}
			}
			f.used = true
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

// wait waits for the latency and reports false if the client cancels the request first.
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

// send writes a reply, changed by the fault.
func (f Fault) send(w http.ResponseWriter, r reply) {
	for _, header := range []http.Header{r.header, f.Header} {
		for name, values := range header {
			w.Header()[http.CanonicalHeaderKey(name)] = values
		}
	}
	if f.Break == ResponseLost || f.Break == ResponseCut && len(r.body) == 0 {
		abort(w)
		return
	}
	if f.Break != ResponseCut {
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

// abort closes the connection of a request. It writes part of a response first, so
// that a client of net/http does not retry the request.
func abort(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
		_ = conn.Close()
		return
	}
	panic(http.ErrAbortHandler)
}
