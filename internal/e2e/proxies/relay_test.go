//go:build proxies

package proxies_test

import (
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// relay forwards connections to a proxy as a faulty network does.
type relay struct {
	net.Listener
	mu   sync.Mutex
	open map[*relayed]bool
}

// relayed is a connection through a relay.
type relayed struct {
	client, proxy net.Conn
	silent        atomic.Bool // nothing is forwarded, not even the end
}

func newRelay(t *testing.T, address string) *relay {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r := &relay{Listener: listener, open: map[*relayed]bool{}}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			group.Go(func() { r.forward(client, address) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		r.reset()
		group.Wait()
	})
	return r
}

func (r *relay) forward(client net.Conn, address string) {
	defer client.Close()
	proxy, err := net.Dial("tcp", address)
	if err != nil {
		return // the proxy is not listening
	}
	c := &relayed{client: client, proxy: proxy}
	r.mu.Lock()
	r.open[c] = true
	r.mu.Unlock()
	var group sync.WaitGroup
	group.Go(func() { c.copy(c.client, c.proxy) })
	c.copy(c.proxy, c.client)
	_ = c.proxy.Close()
	group.Wait()
	r.mu.Lock()
	delete(r.open, c)
	r.mu.Unlock()
}

// copy forwards what it reads until either side closes the connection.
func (c *relayed) copy(to, from net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		switch {
		case c.silent.Load() && err != nil:
			return
		case c.silent.Load():
		case err == nil:
			_, _ = to.Write(buffer[:n])
		default:
			_ = to.Close()
			return
		}
	}
}

func (r *relay) connections() []*relayed {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Keys(r.open))
}

// silence stops forwarding on the open connections, like a router that has forgotten
// them. New ones work.
func (r *relay) silence() {
	for _, c := range r.connections() {
		c.silent.Store(true)
	}
}

// reset resets the open connections.
func (r *relay) reset() {
	for _, c := range r.connections() {
		for _, conn := range []net.Conn{c.client, c.proxy} {
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0)
			}
			_ = conn.Close()
		}
	}
}
