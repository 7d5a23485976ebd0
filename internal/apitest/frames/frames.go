// Package frames is an HTTP/2 server for tests. It writes every frame itself, so that
// a test can end a connection or a stream as no proper server does.
package frames

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

// Types of frames and codes of errors (RFC 9113, sections 6 and 7).
const (
	data, headers, reset, settings, ping, goAway = 0, 1, 3, 4, 6, 7

	endStream, endHeaders, ack = 1, 4, 1

	NoError       = 0
	ProtocolError = 1
	RefusedStream = 7
)

// Server is the server. Respond is called once for each request, when it is whole.
type Server struct {
	URL         string
	Certificate tls.Certificate
	Connections atomic.Int32
	Requests    atomic.Int32 // number of HEADERS frames
	Bodies      atomic.Int32 // number of requests with a body
	respond     func(c *Conn, stream uint32)
}

// New starts a server on loopback and returns it with a transport for it.
func New(t *testing.T, respond func(c *Conn, stream uint32)) (*Server, *http.Transport) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	s := &Server{URL: "https://" + listener.Addr().String(), Certificate: certificate(), respond: respond}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go s.Serve(conn)
		}
	}()
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}, //nolint:gosec // a test's
		ForceAttemptHTTP2: true,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return s, transport
}

// InMemory returns a server without a listener, for [Server.Serve].
func InMemory(respond func(c *Conn, stream uint32)) *Server {
	return &Server{Certificate: certificate(), respond: respond}
}

func certificate() tls.Certificate {
	borrowed := httptest.NewUnstartedServer(nil)
	borrowed.StartTLS()
	borrowed.Close()
	return borrowed.TLS.Certificates[0]
}

// Conn is a connection.
type Conn struct {
	net.Conn
	Number int32 // from 1
	Dead   bool  // nothing is sent on it any more, not even the response to a ping

	mu sync.Mutex
}

// Serve serves a connection until it ends.
func (s *Server) Serve(conn net.Conn) {
	secure := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{s.Certificate}, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12})
	c := &Conn{Conn: secure, Number: s.Connections.Add(1)}
	defer func() { _ = c.Close() }()
	r := bufio.NewReader(c)
	if _, err := r.Discard(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")); err != nil {
		return
	}
	c.write(settings, 0, 0, nil)
	for {
		var header [9]byte
		if _, err := io.ReadFull(r, header[:]); err != nil {
			return
		}
		payload := make([]byte, binary.BigEndian.Uint32(header[:4])>>8)
		if _, err := io.ReadFull(r, payload); err != nil {
			return
		}
		flags, stream := header[4], binary.BigEndian.Uint32(header[5:])
		switch header[3] {
		case settings:
			if flags&ack == 0 {
				c.write(settings, ack, 0, nil)
			}
		case ping:
			if flags&ack == 0 {
				c.write(ping, ack, 0, payload)
			}
		case headers, data:
			if header[3] == headers {
				s.Requests.Add(1)
				if flags&endStream == 0 {
					s.Bodies.Add(1)
				}
			}
			if flags&endStream != 0 {
				s.respond(c, stream)
			}
		}
	}
}

// Respond sends a response. An empty body ends with the header.
func (c *Conn) Respond(stream uint32, status int, body string) {
	// ":status" is entry 8 of the static table of HPACK.
	block := append([]byte{8, 3}, strconv.Itoa(status)...)
	if body == "" {
		c.write(headers, endHeaders|endStream, stream, block)
		return
	}
	c.write(headers, endHeaders, stream, block)
	c.write(data, endStream, stream, []byte(body))
}

// Reset ends a stream with RST_STREAM.
func (c *Conn) Reset(stream, code uint32) {
	c.write(reset, 0, stream, binary.BigEndian.AppendUint32(nil, code))
}

// GoAway announces the end of the connection. Requests after stream last are not
// processed.
func (c *Conn) GoAway(last, code uint32) {
	c.write(goAway, 0, 0, binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, last), code))
}

func (c *Conn) write(kind, flags byte, stream uint32, payload []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Dead {
		return
	}
	frame := binary.BigEndian.AppendUint32(nil, uint32(len(payload))<<8|uint32(kind)) //nolint:gosec // short
	frame = binary.BigEndian.AppendUint32(append(frame, flags), stream)
	_, _ = c.Write(append(frame, payload...))
}
