package bench

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apono-go/apono/bench/server"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// All contenders must read the same items with the same requests.
func TestEveryContenderReadsTheSame(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]setting{
		"pages":         {items: 250, page: 100},
		"one page":      {items: 100, page: 100},
		"unknown field": {items: 30, page: 10, data: "extra"},
		"repeating":     {items: 30, page: 10, data: "repeat"},
		"gzip":          {items: 30, page: 10, gzip: true},
		"HTTP/2":        {items: 30, page: 10, http2: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, c := range append([]contender{legacyPlain, legacySDK}, contenders...) {
				var ids []string
				counting := &counter{next: httpClient().Transport}
				err := c.list(&http.Client{Transport: counting}, s.address(), func(id string) { ids = append(ids, id) })
				require.NoErrorf(t, err, "%s", c.name)
				if want := (s.items + s.page - 1) / s.page; counting.requests != want || counting.http2 != s.http2 {
					t.Errorf("%s: %d requests, HTTP/2 %t; want %d, %t", c.name, counting.requests, counting.http2, want, s.http2)
				}
				if want := idsOf(s, c.legacy); c.name != floor.name && !slices.Equal(ids, want) {
					t.Errorf("%s: it read %v, want %v", c.name, ids, want)
				}
				if c.collect != nil {
					if n, err := c.collect(&http.Client{Transport: counting}, s.address()); err != nil || n != s.items {
						t.Errorf("%s: it collected %d items, %v", c.name, n, err)
					}
				}
				if c.get != nil {
					assert.NoErrorf(t, c.get(&http.Client{Transport: counting}, s.address())(), "%s: get", c.name)
				}
			}
		})
	}
}

func idsOf(s setting, legacy bool) (ids []string) {
	for i := range s.items {
		id := server.ID(i)
		if s.data != "" || legacy {
			id = fmt.Sprintf("00000000-0000-4000-8000-%012d", i)
		}
		ids = append(ids, id)
	}
	return ids
}

// counter counts sequential requests.
type counter struct {
	next     http.RoundTripper
	requests int
	http2    bool
}

func (c *counter) RoundTrip(req *http.Request) (*http.Response, error) {
	c.requests++
	resp, err := c.next.RoundTrip(req)
	c.http2 = err == nil && resp.ProtoMajor == 2
	return resp, err
}

// The responses must have the form and size of the API's.
func TestServer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ path, ids, rest string }{
		{"/data=repeat&items=5&page=2/api/admin/v4/integrations", "0 1", `{"pagination":{"next_page_token":"2"}}`},
		{"/data=repeat&items=5&page=2/api/admin/v4/integrations?page_token=4", "4", `{"pagination":{"next_page_token":null}}`},
		{"/data=repeat&items=5&page=2/api/admin/v4/integrations?page_token=2&limit=3", "2 3 4", `{"pagination":{"next_page_token":null}}`},
		{fmt.Sprintf("/data=repeat&items=%d&page=2/api/admin/v4/integrations?page_token=%d", server.Corpus+5, server.Corpus+2), "2 3", fmt.Sprintf(`{"pagination":{"next_page_token":"%d"}}`, server.Corpus+4)},
		{"/data=repeat&items=5&page=2/api/v2/integrations", "0 1", `{"pagination":{"limit":2,"offset":0,"total":5}}`},
		{"/data=repeat&items=5&page=2/api/v2/integrations?skip=1&limit=3", "1 2 3", `{"pagination":{"limit":3,"offset":1,"total":5}}`},
		{"/data=repeat&items=5&page=2&gzip=true/api/v2/integrations?skip=4", "4", `{"pagination":{"limit":2,"offset":4,"total":5}}`},
		{"/data=repeat&items=5&page=2/api/v2/integrations?skip=5", "", `{"pagination":{"limit":2,"offset":5,"total":5}}`},
	} {
		resp, err := http.Get(addresses.HTTP + c.path)
		require.NoError(t, err)
		var body map[string]any
		err = json.NewDecoder(resp.Body).Decode(&body)
		_ = resp.Body.Close()
		if err != nil || resp.Uncompressed != strings.Contains(c.path, "gzip") {
			t.Fatalf("%s: %v, compressed %t", c.path, err, resp.Uncompressed)
		}
		items, _ := body["items"].([]any)
		if strings.Contains(c.path, "v2") {
			items, _ = body["data"].([]any)
		}
		var ids []string
		for _, item := range items {
			object, _ := item.(map[string]any)
			id, _ := object["id"].(string)
			ids = append(ids, strings.TrimPrefix(id, "00000000-0000-4000-8000-00000000000"))
			if text, _ := json.Marshal(item); len(text) < 950 || len(text) > 1250 {
				t.Errorf("an item of %d bytes", len(text))
			}
		}
		delete(body, "items")
		delete(body, "data")
		if rest, _ := json.Marshal(body); strings.Join(ids, " ") != c.ids || string(rest) != c.rest {
			t.Errorf("%s: got %v and %s, want %s and %s", c.path, ids, rest, c.ids, c.rest)
		}
	}
}

// The items of a tenant differ, and one of 20 has an unknown field.
func TestItemsDiffer(t *testing.T) {
	t.Parallel()
	resp, err := http.Get(addresses.HTTP + "/items=1000&page=1000/api/admin/v4/integrations")
	require.NoError(t, err)
	defer resp.Body.Close()
	var body struct {
		Items []map[string]json.RawMessage `json:"items"`
	}
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&body))
	different, unknown := map[string]map[string]bool{}, 0
	for _, item := range body.Items {
		text, err := json.Marshal(item)
		require.NoError(t, err)
		require.InDelta(t, 1050, len(text), 150)
		for _, field := range []string{"id", "name", "last_sync_time", "integration_config", "secret_store_config", "owner"} {
			if different[field] == nil {
				different[field] = map[string]bool{}
			}
			different[field][string(item[field])] = true
		}
		if _, ok := item["since"]; ok {
			unknown++
		}
	}
	require.Equal(t, 50, unknown)
	for field, values := range different {
		require.Lenf(t, values, 1000, "%s repeats", field)
	}
}

func TestServerTakesItsTime(t *testing.T) {
	t.Parallel()
	s := setting{latency: 20 * time.Millisecond, items: 3, page: 1}
	started := time.Now()
	require.NoError(t, floor.list(httpClient(), s.address(), nil))
	took := time.Since(started)
	assert.GreaterOrEqualf(t, took, 3*s.latency, "three pages came after %v", took)
}
