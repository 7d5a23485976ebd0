package bench

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/apono-go/apono"
)

// list is the setting of benchmarks that measure CPU time.
var list = setting{items: 20_000, page: 100}

func with(change func(*setting)) setting {
	changed := list
	change(&changed)
	return changed
}

func BenchmarkListAll(b *testing.B)            { lists(b, list) }
func BenchmarkListAllGzip(b *testing.B)        { lists(b, with(func(s *setting) { s.gzip = true })) }
func BenchmarkListAllHTTP2(b *testing.B)       { lists(b, with(func(s *setting) { s.http2 = true })) }
func BenchmarkListAllPagesOf1000(b *testing.B) { lists(b, with(func(s *setting) { s.page = 1000 })) }

// BenchmarkListAllRepeating has items whose texts are mostly the same.
func BenchmarkListAllRepeating(b *testing.B) { lists(b, with(func(s *setting) { s.data = "repeat" })) }

// BenchmarkListAllUnknownField adds a field that no client knows to each repeating item.
func BenchmarkListAllUnknownField(b *testing.B) {
	lists(b, with(func(s *setting) { s.data = "extra" }))
}

// lists measures every contender.
func lists(b *testing.B, s setting) {
	b.Helper()
	for _, c := range contenders {
		b.Run("client="+c.name, func(b *testing.B) { c.measureList(b, s) })
	}
}

func (c contender) measureList(b *testing.B, s setting) {
	b.Helper()
	client := httpClient()
	defer client.CloseIdleConnections()
	read := func(s setting) func() error {
		address := s.address()
		return func() error {
			seen := 0
			err := c.list(client, address, func(string) { seen++ })
			if err == nil && seen != s.items && c.name != floor.name {
				err = fmt.Errorf("%d of %d items", seen, s.items)
			}
			return err
		}
	}
	measure(b, "item", s.items, read(s.warmUp()), read(s))
}

// BenchmarkGrowth measures time and memory by the number of items.
func BenchmarkGrowth(b *testing.B) {
	for _, items := range []int{1_000, 10_000, 100_000, 1_000_000} {
		if testing.Short() && items > 10_000 {
			break
		}
		for _, c := range contenders {
			b.Run(fmt.Sprintf("items=%d/client=%s", items, c.name), func(b *testing.B) {
				c.measureList(b, with(func(s *setting) { s.items = items }))
			})
		}
	}
}

// BenchmarkCollect reads a list into memory.
func BenchmarkCollect(b *testing.B) {
	s := with(func(s *setting) { s.items = 100_000 })
	if testing.Short() {
		s.items = 10_000
	}
	for _, c := range contenders {
		if c.collect == nil {
			continue
		}
		b.Run("client="+c.name, func(b *testing.B) {
			client := httpClient()
			defer client.CloseIdleConnections()
			collect := func(s setting) func() error {
				return func() error {
					items, err := c.collect(client, s.address())
					if err == nil && items != s.items {
						err = fmt.Errorf("%d of %d items", items, s.items)
					}
					return err
				}
			}
			measure(b, "item", s.items, collect(s.warmUp()), collect(s))
		})
	}
}

// far returns the setting of a server with high latency.
func far(pages, page int) setting {
	s := setting{latency: 50 * time.Millisecond, items: pages * page, page: page}
	if testing.Short() {
		s.latency, s.items = time.Millisecond, 5*page
	}
	return s
}

// readAhead returns the options for a number of pages ahead, 0 or 1.
func readAhead(pages int) []apono.Option {
	if pages == 0 {
		return nil
	}
	return []apono.Option{apono.WithReadAhead()}
}

// BenchmarkReadAhead measures lists with and without reading one page ahead.
func BenchmarkReadAhead(b *testing.B) {
	for _, page := range []int{100, 1000} {
		s := far(20, page)
		b.Run(fmt.Sprintf("page=%d/client=floor/ahead=0", page), func(b *testing.B) { floor.measureList(b, s) })
		for _, ahead := range []int{0, 1} {
			c := sdk
			c.list = func(client *http.Client, address string, see func(string)) error {
				return sdkListWith(client, address, see, readAhead(ahead)...)
			}
			b.Run(fmt.Sprintf("page=%d/client=sdk/ahead=%d", page, ahead), func(b *testing.B) { c.measureList(b, s) })
		}
	}
}

// BenchmarkOffsetReadAhead measures offset lists with and without reading one page ahead.
func BenchmarkOffsetReadAhead(b *testing.B) {
	for _, ahead := range []int{0, 1} {
		c := legacySDK
		c.list = func(client *http.Client, address string, see func(string)) error {
			return legacyListWith(client, address, see, readAhead(ahead)...)
		}
		b.Run(fmt.Sprintf("client=sdk/ahead=%d", ahead), func(b *testing.B) { c.measureList(b, far(100, 100)) })
	}
}

// BenchmarkLegacyListAll measures legacy integrations.
func BenchmarkLegacyListAll(b *testing.B) {
	for _, c := range []contender{legacyPlain, legacySDK} {
		b.Run("client="+c.name, func(b *testing.B) { c.measureList(b, list) })
	}
}
