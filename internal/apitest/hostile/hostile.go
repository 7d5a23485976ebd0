// Package hostile has a server that violates HTTP and the API, as a broken load
// balancer, a captive portal or an attacker may. It listens on a loopback socket, or
// in memory for tests in the fake time of testing/synctest.
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

// Mode is how the server handles one request.
type Mode struct {
	noListener bool // the client dials a port without a listener
	reset      bool // the connection is reset before the request is read
	keep       bool // the connection stays open for the next request
	respond    func(c *connection, req *Request)
}

// Request is a request that the server received.
type Request struct {
	Method string
	Path   string // escaped
	Query  string // raw
	Header http.Header
	Body   string
}

// Server handles each request with the next mode, and all further requests with the
// last mode.
type Server struct {
	URL string // base URL

	tb       testing.TB
	listener net.Listener
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	closed   chan struct{}
	handlers sync.WaitGroup

	mu          sync.Mutex
	modes       []Mode
	requests    []Request
	connections []net.Conn
	failedDials int
	open        atomic.Int32
}

// New starts a server that is closed at the end of the test.
func New(tb testing.TB, modes ...Mode) *Server {
	tb.Helper()
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	require.NoError(tb, err, "hostile")
	return start(tb, listener, Dial, modes)
}

// NewInMemory is New without a network, for tests in bubbles of testing/synctest. It
// does not support [NoListener], [ResetUnread] and [ResetRead].
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

// Dial dials a connection that the client closes with a reset. A connection closed
// by both ends keeps its port for a minute, and tests that open thousands of them
// would run out of ports.
func Dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	return conn, err
}

// pipes is a listener for connections in memory.
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

// Addr returns a loopback address, because clients accept no other without TLS. It
// has no listener.
func (pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

// Transport returns a transport that sends requests to the server.
func (s *Server) Transport() *http.Transport {
	transport := &http.Transport{MaxResponseHeaderBytes: 1 << 16, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		if s.failsDial() {
			address = closedPort
		}
		return s.dial(ctx, network, address)
	}}
	s.tb.Cleanup(transport.CloseIdleConnections)
	return transport
}

// Requests returns the requests that the server received, in order.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Connections returns the numbers of accepted and of failed connections.
func (s *Server) Connections() (accepted, failed int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.connections), s.failedDials
}

// WaitClosed calls closeIdle until no connection is open. net/http keeps a
// connection that was established after its call had ended.
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
		// A reset before the first byte would race with the client's dial.
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
		if mode.respond != nil {
			mode.respond(c, &req)
		}
		keep = mode.keep
	}
}

// failsDial takes the next mode if it is NoListener, and reports whether it did.
func (s *Server) failsDial() bool {
	if !s.takeIf(func(m Mode) bool { return m.noListener }) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failedDials++
	return true
}

// takeIf takes the next mode if it is of the kind, and reports whether it did.
func (s *Server) takeIf(kind func(Mode) bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !kind(s.modes[0]) {
		return false
	}
	s.advance()
	return true
}

// record records a request and takes the next mode.
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

// closedPort is a reserved port without a listener. The kernel does not assign it to
// a listener of another test.
const closedPort = "127.0.0.1:1"

// connection is the server's end.
type connection struct {
	net.Conn
	closed <-chan struct{} // when the server stops
}

// write sends text and reports whether it succeeded.
func (c *connection) write(text string) bool {
	_, err := io.WriteString(c, text)
	return err == nil
}

// breakOff resets the connection.
func (c *connection) breakOff() {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

// token returns the bearer token of the request.
func (r *Request) token() string { return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ") }
