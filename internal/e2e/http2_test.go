package e2e_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
)

// frameServer is an HTTP/2 server that reads and writes frames. It counts HEADERS
// frames, each of which is a request, and calls respond for each.
type frameServer struct {
	address              string
	connections, headers atomic.Int32
	bodies               atomic.Int32 // number of requests with a body
	respond              func(framer *http2.Framer, conn net.Conn, stream uint32)
}

func newFrameServer(t *testing.T, respond func(framer *http2.Framer, conn net.Conn, stream uint32)) (*frameServer, *http.Transport) {
	t.Helper()
	borrowed := httptest.NewUnstartedServer(nil)
	borrowed.StartTLS() // for its certificate
	borrowed.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &frameServer{address: "https://" + listener.Addr().String(), respond: respond}
	t.Cleanup(func() { _ = listener.Close() })
	config := &tls.Config{Certificates: borrowed.TLS.Certificates, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.connections.Add(1)
			go s.serve(tls.Server(conn, config))
		}
	}()
	client := &http.Transport{
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}, //nolint:gosec // a test's
		ForceAttemptHTTP2: true,
	}
	t.Cleanup(client.CloseIdleConnections)
	return s, client
}

func (s *frameServer) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	if _, err := io.ReadFull(conn, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	framer := http2.NewFramer(conn, conn)
	_ = framer.WriteSettings()
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return
		}
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				_ = framer.WriteSettingsAck()
			}
		case *http2.HeadersFrame:
			if !frame.StreamEnded() {
				s.bodies.Add(1)
			}
			s.headers.Add(1)
			s.respond(framer, conn, frame.StreamID)
		}
	}
}

// In these cases net/http sends a GET again over HTTP/2. A consuming read must be sent
// in one HEADERS frame, in every version of the API and through Client.Do.
func TestConsumingReadsAreSentOnceOverHTTP2(t *testing.T) {
	t.Parallel()
	for name, respond := range map[string]func(framer *http2.Framer, conn net.Conn, stream uint32){
		"REFUSED_STREAM": func(framer *http2.Framer, _ net.Conn, stream uint32) {
			_ = framer.WriteRSTStream(stream, http2.ErrCodeRefusedStream)
		},
		"GOAWAY": func(framer *http2.Framer, conn net.Conn, _ uint32) {
			_ = framer.WriteGoAway(0, http2.ErrCodeNo, nil)
			_ = conn.Close()
		},
		"PROTOCOL_ERROR": func(framer *http2.Framer, _ net.Conn, stream uint32) {
			_ = framer.WriteRSTStream(stream, http2.ErrCodeProtocol)
		},
		"close": func(_ *http2.Framer, conn net.Conn, _ uint32) { _ = conn.Close() },
	} {
		for operation, read := range map[string]func(t *testing.T, client *apono.Client) error{
			"session": func(t *testing.T, client *apono.Client) error {
				t.Helper()
				_, err := client.Sessions.GetAccessDetails(t.Context(), "s-1")
				return err
			},
			"legacy": func(t *testing.T, client *apono.Client) error {
				t.Helper()
				_, err := client.Legacy.AccessRequests.GetAccessDetails(t.Context(), "r-1")
				return err
			},
			"Do": func(t *testing.T, client *apono.Client) error {
				t.Helper()
				return client.Do(t.Context(), http.MethodGet, "/api/user/v9/things/t-1/access-details", nil, nil, nil)
			},
		} {
			t.Run(name+" to "+operation, func(t *testing.T) {
				t.Parallel()
				server, transport := newFrameServer(t, respond)
				client := dial(t, server.address, apono.WithHTTPClient(&http.Client{Transport: transport}),
					apono.WithAttemptTimeout(5*time.Second)) // net/http would continue for minutes
				failure := apitest.ErrorAs[*apono.TransportError](t, read(t, client))
				assert.True(t, failure.MaybeSent)
				assert.Equal(t, 1, failure.Attempts)
				assert.EqualValues(t, 1, server.headers.Load(), "HEADERS frames")
				assert.EqualValues(t, 1, server.connections.Load())
				assert.Zero(t, server.bodies.Load(), "gateways reject a GET with a body")
			})
		}
	}
}
