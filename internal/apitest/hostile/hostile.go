// Package hostile is a server that behaves as no server should. It listens on a
// real loopback socket, so that what it does is what a broken balancer, a
// captive portal or an attacker would do to the connection; in memory where a
// test is about time, which is then the fake time of testing/synctest.
package hostile

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Mode is what becomes of one request.
type Mode struct {
	// refuse has the connection refused, reset has it reset before the request
	// is read.
	refuse, reset bool
	// keep leaves the connection open for the next request.
	keep bool
	// answer writes to the connection, which is closed afterwards.
	answer func(c *connection, req *Request)
}

// Request is one request as it reached the server.
type Request struct {
	Method string
	// Path is the escaped path, Query the raw query.
	Path, Query string
	Header      http.Header
	// Body is empty for a request without one.
	Body string
}

// Server gives one mode to each request, and the last mode to all that follow.
type Server struct {
	// URL is the server's base URL.
	URL string

	tb       testing.TB
	listener net.Listener
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	closed   chan struct{}
	handlers sync.WaitGroup

	mu          sync.Mutex
	modes       []Mode
	requests    []Request
	connections []net.Conn
	refused     int
	open        atomic.Int32
}

// New starts a server that stops with the test.
func New(tb testing.TB, modes ...Mode) *Server {
	tb.Helper()
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	require.NoError(tb, err, "hostile")
	return start(tb, listener, Dial, modes)
}

// NewInMemory is New without a network. It is for tests in bubbles of
// testing/synctest, and for modes that leave the connection to the server: a
// connection in memory can neither be refused nor reset.
func NewInMemory(tb testing.TB, modes ...Mode) *Server {
	tb.Helper()
	listener := pipes{made: make(chan net.Conn), closed: make(chan struct{})}
	return start(tb, listener, listener.dial, modes)
}

func start(tb testing.TB, listener net.Listener, dial func(context.Context, string, string) (net.Conn, error), modes []Mode) *Server {
	tb.Helper()
	s := &Server{URL: "http://" + listener.Addr().String(), tb: tb, listener: listener, dial: dial, closed: make(chan struct{}), modes: modes}
	s.handlers.Go(s.accept)
	tb.Cleanup(s.close)
	return s
}

// Dial dials connections that the client ends with a reset. A connection that
// both ends close in good order keeps its port for a minute, and a suite that
// opens thousands has none left when it is run again within that minute.
func Dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	return conn, err
}

// pipes listens to connections in memory.
type pipes struct {
	made   chan net.Conn
	closed chan struct{}
}

func (p pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.made <- there:
		return here, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.made:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error {
	close(p.closed)
	return nil
}

// Addr is an address of loopback, the only one that clients accept without TLS.
// Nobody listens there.
func (pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

// Transport returns a transport to the server. A connection that is to be
// refused is dialled to a closed port, so that the refusal is the kernel's.
func (s *Server) Transport() *http.Transport {
	transport := &http.Transport{MaxResponseHeaderBytes: 1 << 16, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		if s.refuses() {
			address = closedPort
		}
		return s.dial(ctx, network, address)
	}}
	s.tb.Cleanup(transport.CloseIdleConnections)
	return transport
}

// Requests returns the requests that reached the server, in order.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Connections returns how many connections were accepted, and how many refused.
func (s *Server) Connections() (accepted, refused int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.connections), s.refused
}

// WaitClosed returns when no connection is open any more. Meanwhile it has the
// client close idle ones: net/http completes a connection that nobody waits for
// any more, and keeps it.
func (s *Server) WaitClosed(closeIdle func()) {
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for closeIdle(); s.open.Load() > 0; closeIdle() {
		<-ticker.C
	}
}

func (s *Server) close() {
	close(s.closed)
	_ = s.listener.Close()
	s.mu.Lock()
	for _, conn := range s.connections {
		_ = conn.Close()
	}
	s.mu.Unlock()
	s.handlers.Wait()
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.connections = append(s.connections, conn)
		s.mu.Unlock()
		s.open.Add(1)
		s.handlers.Go(func() {
			defer s.open.Add(-1)
			s.serve(&connection{Conn: conn, closed: s.closed})
		})
	}
}

func (s *Server) serve(c *connection) {
	defer func() { _ = c.Close() }()
	reader := bufio.NewReader(c)
	for keep := true; keep; {
		// Resetting before anything arrived would race with the client's dial.
		if _, err := reader.Peek(1); err != nil {
			return
		}
		if s.takeIf(func(m Mode) bool { return m.reset }) {
			c.breakOff()
			return
		}
		incoming, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		body, err := io.ReadAll(incoming.Body)
		if err != nil {
			return
		}
		req := Request{
			Method: incoming.Method, Path: incoming.URL.EscapedPath(), Query: incoming.URL.RawQuery,
			Header: incoming.Header, Body: string(body),
		}
		mode := s.record(req)
		if mode.answer != nil {
			mode.answer(c, &req)
		}
		keep = mode.keep
	}
}

// refuses takes a refusal if that is what comes next.
func (s *Server) refuses() bool {
	if !s.takeIf(func(m Mode) bool { return m.refuse }) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused++
	return true
}

// takeIf takes the next mode if it is of a kind.
func (s *Server) takeIf(kind func(Mode) bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !kind(s.modes[0]) {
		return false
	}
	s.advance()
	return true
}

// record notes a request and takes the mode that it meets.
func (s *Server) record(req Request) Mode {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, req)
	mode := s.modes[0]
	s.advance()
	return mode
}

func (s *Server) advance() {
	if len(s.modes) > 1 {
		s.modes = s.modes[1:]
	}
}

// closedPort is a reserved port at which nobody listens, and which the kernel
// gives to no listener of another test.
const closedPort = "127.0.0.1:1"

// connection is the server's end.
type connection struct {
	net.Conn
	closed <-chan struct{} // when the server stops
}

// write sends text and reports whether the client may still be there.
func (c *connection) write(text string) bool {
	_, err := io.WriteString(c, text)
	return err == nil
}

// breakOff has the kernel reset the connection.
func (c *connection) breakOff() {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

// token is what a request was authorized with.
func (r *Request) token() string { return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ") }
