package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/apono-go/apono"
	"github.com/stretchr/testify/assert"
)

func BenchmarkGet(b *testing.B)      { gets(b, setting{}) }
func BenchmarkGetHTTP2(b *testing.B) { gets(b, setting{http2: true}) }

// gets measures sequential calls.
func gets(b *testing.B, s setting) {
	b.Helper()
	for _, c := range contenders {
		if c.get == nil {
			continue
		}
		b.Run("client="+c.name, func(b *testing.B) {
			client := httpClient()
			defer client.CloseIdleConnections()
			get := c.get(client, s.address())
			measure(b, "call", 1, get, get)
		})
	}
}

// BenchmarkGetParallel measures calls from goroutines that share a client.
func BenchmarkGetParallel(b *testing.B) {
	for _, goroutines := range []int{1, 4, 16, 64, 200, 256} {
		for _, c := range contenders {
			if c.get == nil {
				continue
			}
			b.Run(fmt.Sprintf("goroutines=%d/client=%s", goroutines, c.name), func(b *testing.B) {
				client := httpClient()
				defer client.CloseIdleConnections()
				get := c.get(client, setting{}.address())
				share(b, goroutines, 10*goroutines, get) // opens the connections
				forgetPeak()
				before := used()
				b.ResetTimer()
				share(b, goroutines, b.N, get)
				b.StopTimer()
				report(b, "call", b.N, before)
			})
		}
	}
}

// share distributes calls over goroutines.
func share(b *testing.B, goroutines, calls int, call func() error) {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(calls))
	var group sync.WaitGroup
	for range goroutines {
		group.Go(func() {
			for left.Add(-1) >= 0 {
				assert.NoError(b, call())
			}
		})
	}
	group.Wait()
}

// BenchmarkClients measures clients in one process that each make a call.
func BenchmarkClients(b *testing.B) {
	address := setting{}.address()
	for _, n := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprintf("clients=%d/client=sdk", n), func(b *testing.B) {
			var heap, open float64
			for b.Loop() {
				before, clients := inUse(), make([]*apono.Client, n)
				for i := range clients {
					clients[i] = must(apono.NewClient(token, apono.WithBaseURL(address)))
					_, err := clients[i].Integrations.Get(context.Background(), someID)
					assert.NoError(b, err)
				}
				heap, open = inUse()-before, sockets()
				clients[0].CloseIdleConnections()
			}
			b.ReportMetric(heap/float64(n)/1e3, "heap-kB/client")
			b.ReportMetric(open, "sockets")
		})
	}
}

// BenchmarkCreate measures requests with a body of about 100 KB.
func BenchmarkCreate(b *testing.B) {
	in := apono.CreateIntegrationInput{Name: "orders", Type: "postgresql", IntegrationConfig: map[string]any{}}
	for i := range 100 {
		in.IntegrationConfig[fmt.Sprintf("setting_%d", i)] = strings.Repeat("0123456789", 100)
	}
	// The same with net/http and encoding/json.
	large := map[string]any{"name": in.Name, "type": in.Type, "integration_config": in.IntegrationConfig}
	client := httpClient()
	defer client.CloseIdleConnections()
	address := setting{}.address()
	api := newSDK(client, address)
	plainCreate := func() error {
		body, err := json.Marshal(large)
		if err != nil {
			return err
		}
		return requestJSON(client, http.MethodPost, address+pathV4, body, new(integration))
	}
	sdkCreate := func() error {
		_, err := api.Integrations.Create(context.Background(), in)
		return err
	}
	b.Run("client=plain", func(b *testing.B) { measure(b, "call", 1, plainCreate, plainCreate) })
	b.Run("client=sdk", func(b *testing.B) { measure(b, "call", 1, sdkCreate, sdkCreate) })
}
