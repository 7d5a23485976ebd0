package apono_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/require"
)

// Servers page in different ways: with empty pages before the last one, an empty token in
// place of none, or tokens seen before. A token includes the filters. Each case runs with
// and without read-ahead, which must not change the result.
func TestListAllFollowsPageTokens(t *testing.T) {
	t.Parallel()
	type options = apono.ListIntegrationsOptions
	prod := options{Name: "prod*", Type: []string{"postgresql"}, ConnectorID: []string{"c1"}}
	limited, resumed, both := prod, prod, prod
	limited.Limit = 2
	resumed.PageToken = "t2"
	both.Limit, both.PageToken = 2, "t2"
	const filters = "connector_id=c1&name=prod%2A&type=postgresql"
	for _, c := range []struct {
		name  string
		opts  []options
		pages map[string]string
		want  []string
		err   error
		asked []string
	}{
		{
			name:  "one page",
			pages: map[string]string{"": apitest.TokenPage("", "a", "b")},
			want:  []string{"a", "b"}, asked: []string{""},
		},
		{
			name:  "no items",
			pages: map[string]string{"": apitest.TokenPage("")},
			asked: []string{""},
		},
		{
			name: "later pages are requested by their token, without filters",
			opts: []options{prod},
			pages: map[string]string{
				"": apitest.TokenPage("t2", "a", "b"), "t2": apitest.TokenPage("t+/= 3", "c"), "t+/= 3": apitest.TokenPage("", "d"),
			},
			want:  []string{"a", "b", "c", "d"},
			asked: []string{filters, "page_token=t2", "page_token=t%2B%2F%3D+3"},
		},
		{
			name:  "the limit is sent with every page",
			opts:  []options{limited},
			pages: map[string]string{"": apitest.TokenPage("t2", "a", "b"), "t2": apitest.TokenPage("", "c")},
			want:  []string{"a", "b", "c"},
			asked: []string{"connector_id=c1&limit=2&name=prod%2A&type=postgresql", "limit=2&page_token=t2"},
		},
		{
			name:  "the caller's page token",
			opts:  []options{resumed},
			pages: map[string]string{"t2": apitest.TokenPage("t3", "c"), "t3": apitest.TokenPage("", "d")},
			want:  []string{"c", "d"}, asked: []string{"page_token=t2", "page_token=t3"},
		},
		{
			name:  "the caller's page token and limit",
			opts:  []options{both},
			pages: map[string]string{"t2": apitest.TokenPage("t3", "c"), "t3": apitest.TokenPage("", "d")},
			want:  []string{"c", "d"}, asked: []string{"limit=2&page_token=t2", "limit=2&page_token=t3"},
		},
		{
			name:  "empty pages with a token",
			pages: map[string]string{"": apitest.TokenPage("t2"), "t2": apitest.TokenPage("t3"), "t3": apitest.TokenPage("", "a")},
			want:  []string{"a"}, asked: []string{"", "page_token=t2", "page_token=t3"},
		},
		{
			name:  "null items in an empty page",
			pages: map[string]string{"": `{"items":null,"pagination":{"next_page_token":"t2"}}`, "t2": apitest.TokenPage("", "a")},
			want:  []string{"a"}, asked: []string{"", "page_token=t2"},
		},
		{
			name:  "a null token ends the list",
			pages: map[string]string{"": `{"items":[{"id":"a"}],"pagination":{"next_page_token":null}}`},
			want:  []string{"a"}, asked: []string{""},
		},
		{
			name:  "an absent token ends the list",
			pages: map[string]string{"": `{"items":[{"id":"a"}],"pagination":{}}`},
			want:  []string{"a"}, asked: []string{""},
		},
		{
			name:  "null items",
			pages: map[string]string{"": `{"items":null,"pagination":{"next_page_token":"t2"}}`, "t2": `{"items":[{"id":"a"}],"pagination":{}}`},
			want:  []string{"a"}, asked: []string{"", "page_token=t2"},
		},
		{
			name:  "a page with its own token as the next",
			pages: map[string]string{"": apitest.TokenPage("t2", "a"), "t2": apitest.TokenPage("t2", "b")},
			want:  []string{"a", "b"}, err: apono.ErrPageLoop, asked: []string{"", "page_token=t2"},
		},
		{
			name:  "a cycle of tokens",
			pages: map[string]string{"": apitest.TokenPage("t2", "a"), "t2": apitest.TokenPage("t3", "b"), "t3": apitest.TokenPage("t2", "c")},
			want:  []string{"a", "b", "c"}, err: apono.ErrPageLoop, asked: []string{"", "page_token=t2", "page_token=t3"},
		},
		{
			name:  "the caller's page token in the first page",
			opts:  []options{resumed},
			pages: map[string]string{"t2": apitest.TokenPage("t2", "b")},
			want:  []string{"b"}, err: apono.ErrPageLoop, asked: []string{"page_token=t2"},
		},
		{
			name:  "the caller's page token in a later page",
			opts:  []options{resumed},
			pages: map[string]string{"t2": apitest.TokenPage("t3", "b"), "t3": apitest.TokenPage("t2", "c")},
			want:  []string{"b", "c"}, err: apono.ErrPageLoop, asked: []string{"page_token=t2", "page_token=t3"},
		},
		{
			name:  "an error status in the middle",
			pages: map[string]string{"": apitest.TokenPage("t2", "a", "b"), "t2": apitest.TokenPage("t3", "c")},
			want:  []string{"a", "b", "c"}, err: apono.ErrForbidden, asked: []string{"", "page_token=t2", "page_token=t3"},
		},
		{
			name:  "an error status at the start",
			pages: map[string]string{},
			err:   apono.ErrForbidden, asked: []string{""},
		},
	} {
		for _, readAhead := range []int{0, 1} {
			t.Run(fmt.Sprintf("%s, %d ahead", c.name, readAhead), func(t *testing.T) {
				t.Parallel()
				p := &apitest.Pager{Pages: c.pages}
				got, err := apitest.Drain(t, p.Client(t, readAhead).Integrations.ListAll(t.Context(), c.opts...), apitest.IntegrationID)
				require.Equal(t, c.want, got)
				require.ErrorIs(t, err, c.err)
				require.Equal(t, c.asked, p.Requests())
			})
		}
	}
}

func TestErrPageLoopText(t *testing.T) {
	t.Parallel()
	p := &apitest.Pager{Pages: map[string]string{"": apitest.TokenPage("t2"), "t2": apitest.TokenPage("t2")}}
	_, err := apitest.Drain(t, p.Client(t, 0).Integrations.ListAll(t.Context()), apitest.IntegrationID)
	require.Equal(t, "apono: GET /api/admin/v4/integrations: the server returned the same page token twice", fmt.Sprint(err))
}

// A response of another form must not look like an empty page.
func TestResponseWithoutPageIsDecodeError(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, body, reason string }{
		{"a null item", `{"items":[{"id":"a"},null],"data":[{"id":"a"},null],"pagination":{"total":2}}`, "item 1 of the list is null"},
		{"a message", `{"message":"maintenance"}`, " is missing"},
		{"an empty object", `{}`, " is missing"},
		{"null members", `{"items":null,"data":null,"pagination":null}`, " is missing"},
		{"items without pagination", `[{"id":"a"}]`, "cannot unmarshal array"},
		{"items that are strings", `{"items":["a"],"data":["a"],"pagination":{"total":1}}`, "cannot unmarshal string"},
		{"items that are an object", `{"items":{"id":"a"},"data":{"id":"a"},"pagination":{"total":1}}`, "cannot unmarshal object"},
		{"a member of another type", `{"items":[{"id":7}],"data":[{"id":7}],"pagination":{"total":1}}`, "cannot unmarshal number"},
		{"pagination of another type", `{"items":[],"data":[],"pagination":"none"}`, "cannot unmarshal string"},
		{"null", `null`, "the body is null"},
		{"nothing", ``, "the body is empty"},
		{"HTML", `<html>Sign in</html>`, "an HTML page"},
		{"two values", `{"items":[],"data":[],"pagination":{}}{}`, "invalid character '{' after top-level value"},
	} {
		for _, readAhead := range []int{0, 1} {
			t.Run(fmt.Sprintf("%s, %d ahead", c.name, readAhead), func(t *testing.T) {
				t.Parallel()
				fake := script.New(t,
					script.Response{Body: c.body}, script.Response{Body: apitest.TokenPage("t2", "x")}, script.Response{Body: c.body},
					script.Response{Body: c.body}, script.Response{Body: apitest.OffsetPage(2, 1, 0, "x")}, script.Response{Body: c.body},
				)
				client := apitest.NewClient(t, fake, apitest.ReadAhead(readAhead)).Integrations
				var errs [4]error
				_, errs[0] = client.List(t.Context())
				got, err := apitest.Drain(t, client.ListAll(t.Context()), apitest.IntegrationID)
				require.Equal(t, []string{"x"}, got)
				errs[1] = err
				_, errs[2] = client.ListPermissions(t.Context(), "i1")
				got, err = apitest.Drain(t, client.ListAllPermissions(t.Context(), "i1"), apitest.PermissionID)
				require.Equal(t, []string{"x"}, got)
				errs[3] = err
				for _, err := range errs {
					require.Equal(t, c.body, string(apitest.ErrorAs[*apono.DecodeError](t, err).Body))
					require.ErrorContains(t, err, ": 200 OK, but the body is unusable: ")
					require.ErrorContains(t, err, c.reason)
				}
			})
		}
	}
}

// emptyPages returns a server of empty pages, each with a new token. The pages with the
// given numbers are not empty.
func emptyPages(full ...int) *apitest.Pager {
	page := 0
	return &apitest.Pager{Serve: func(string) string {
		if page++; slices.Contains(full, page) {
			return apitest.TokenPage(fmt.Sprintf("t%d", page), fmt.Sprintf("i-%d", page))
		}
		return apitest.TokenPage(fmt.Sprintf("t%d", page))
	}}
}

func TestEmptyPagesEndList(t *testing.T) {
	t.Parallel()
	for _, ahead := range []int{0, 1} {
		t.Run(fmt.Sprintf("%d ahead", ahead), func(t *testing.T) {
			t.Parallel()
			server := emptyPages(1, 9000)
			ids, err := apitest.Drain(t, server.Client(t, ahead).Integrations.ListAll(t.Context()), apitest.IntegrationID)
			require.Equal(t, []string{"i-1", "i-9000"}, ids, "9,000 empty pages must not end the list")
			require.ErrorIs(t, err, apono.ErrEmptyPages)
			ended := apitest.ErrorAs[*apono.PageError](t, err)
			require.Equal(t, "t19000", ended.NextPageToken)
			require.Equal(t, apono.ErrEmptyPages, ended.Err)
			require.EqualError(t, err, "apono: the server returned 10000 empty pages in a row")
			require.LessOrEqual(t, len(server.Requests()), 19000+ahead)
		})
	}
}

func TestPageErrorHasTokenToResumeFrom(t *testing.T) {
	t.Parallel()
	first := script.Response{Body: apitest.TokenPage("t1", "i-1")}
	for name, test := range map[string]struct {
		failure script.Response
		err     error
		text    string
	}{
		"an error status": {script.Response{Status: 403}, apono.ErrForbidden, "apono: GET /api/admin/v4/integrations: 403 Forbidden"},
		"an invalid body": {script.Response{Body: "{"}, nil, "apono: GET /api/admin/v4/integrations: 200 OK, but the body is unusable: unexpected EOF"},
		"no network":      {script.Response{Err: apitest.ErrReset}, apitest.ErrReset, "apono: GET /api/admin/v4/integrations: connection reset by peer"},
	} {
		for _, ahead := range []int{0, 1} {
			t.Run(fmt.Sprintf("%s, %d ahead", name, ahead), func(t *testing.T) {
				t.Parallel()
				client := apitest.NewClient(t, script.New(t, first, test.failure), apitest.ReadAhead(ahead))
				ids, err := apitest.Drain(t, client.Integrations.ListAll(apono.WithoutRetry(t.Context())), apitest.IntegrationID)
				require.Equal(t, []string{"i-1"}, ids)
				require.EqualError(t, err, test.text)
				require.Equal(t, "t1", apitest.ErrorAs[*apono.PageError](t, err).NextPageToken)
				if test.err != nil {
					require.ErrorIs(t, err, test.err)
				}
			})
		}
	}

	_, err := apitest.Drain(t, apitest.NewClient(t, script.New(t, script.Response{Status: 403})).Integrations.ListAll(t.Context()), apitest.IntegrationID)
	require.NotErrorAs(t, err, new(*apono.PageError), "an error of the first page must not be a PageError")

	resumed := apono.ListIntegrationsOptions{PageToken: "t7"}
	_, err = apitest.Drain(t, apitest.NewClient(t, script.New(t, script.Response{Status: 403})).Integrations.ListAll(t.Context(), resumed), apitest.IntegrationID)
	require.Equal(t, "t7", apitest.ErrorAs[*apono.PageError](t, err).NextPageToken)
}

func TestListKeepsHashesOfTokens(t *testing.T) { //nolint:paralleltest // it measures the memory of the process
	const pages, length = 2000, 20_000
	page := 0
	server := &apitest.Pager{Serve: func(string) string {
		if page++; page == pages {
			return apitest.TokenPage("", "last")
		}
		return apitest.TokenPage(fmt.Sprintf("%0*d", length, page), "one")
	}}
	client, err := apono.NewClient(apitest.Token, apono.WithHTTPClient(&http.Client{Transport: apitest.RoundTripFunc(func(req *http.Request) (*http.Response, error) {
		body := server.Serve("")
		return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req}, nil
	})}))
	require.NoError(t, err)
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for item, err := range client.Integrations.ListAll(t.Context()) {
		require.NoError(t, err)
		if item.ID == "last" {
			require.Less(t, int64(heap())-int64(before), int64(pages*length/4))
		}
	}
}

// A missing member must not make a list shorter or empty.
func TestListWithoutRequiredMemberIsDecodeError(t *testing.T) {
	t.Parallel()
	type read func(context.Context, *apono.Client) error
	tokens := map[string]read{
		"List": func(ctx context.Context, c *apono.Client) error { _, err := c.Integrations.List(ctx); return err },
		"ListAll": func(ctx context.Context, c *apono.Client) error {
			_, err := apono.Collect(c.Integrations.ListAll(ctx))
			return err
		},
		"SetMembers": func(ctx context.Context, c *apono.Client) error {
			_, err := c.Spaces.SetMembers(ctx, "s", nil)
			return err
		},
	}
	offsets := map[string]read{
		"List": func(ctx context.Context, c *apono.Client) error { _, err := c.Identities.List(ctx); return err },
		"ListAll": func(ctx context.Context, c *apono.Client) error {
			_, err := apono.Collect(c.Identities.ListAll(ctx))
			return err
		},
		"permissions": func(ctx context.Context, c *apono.Client) error {
			_, err := c.Legacy.AccessRequests.ListSelectablePermissions(ctx, "i", "t")
			return err
		},
	}
	for _, test := range []struct {
		body    string
		lists   map[string]read
		missing string
	}{
		{`{"pagination":{}}`, tokens, "items is missing"},
		{`{"Items":[{"id":"a"}],"pagination":{}}`, tokens, "items is missing"},
		{`{"items":[{"id":"a","identity_id":"a"}]}`, tokens, "pagination is missing"},
		{`{"items":null,"pagination":null}`, tokens, "pagination is missing"},
		{`{"items":null,"pagination":{}}`, tokens, ""},
		{`{"items":[],"pagination":{"next_page_token":null}}`, tokens, ""},
		{`{"pagination":{"total":0,"limit":100,"offset":0}}`, offsets, "data is missing"},
		{`{"data":[]}`, offsets, "pagination is missing"},
		{`{"data":[],"pagination":{"limit":100,"offset":0}}`, offsets, "pagination.total is missing"},
		{`{"data":null,"pagination":{"total":0,"limit":100,"offset":0}}`, offsets, ""},
	} {
		for name, list := range test.lists {
			err := list(t.Context(), apitest.NewClient(t, script.New(t, script.Response{Body: test.body})))
			if test.missing == "" {
				require.NoError(t, err, name+test.body)
				continue
			}
			require.ErrorAs(t, err, new(*apono.DecodeError), name+test.body)
			require.ErrorContains(t, err, ": "+test.missing, name+test.body)
		}
	}
}

// A page token with another name would end the list early and without an error.
func TestPageTokenWithAnotherNameIsDecodeError(t *testing.T) {
	t.Parallel()
	for pagination, ok := range map[string]bool{
		`{"nextPageToken":"t2"}`:                        false,
		`{"NEXT_PAGE_TOKEN":"t2","next_page_token":""}`: false,
		`{"Next_PageToken":7}`:                          false,
		`{"nextPageToken":""}`:                          true,
		`{"nextPageToken":null}`:                        true,
		`{"page_token":"t2"}`:                           true,
		`{"nextPageToken":"t2","next_page_token":"t2"}`: true,
	} {
		fake := script.New(t, script.Response{Body: `{"items":[{"id":"a"}],"pagination":` + pagination + `}`})
		_, err := apitest.NewClient(t, fake).Integrations.List(t.Context())
		if ok {
			require.NoError(t, err, pagination)
			continue
		}
		require.EqualError(t, apitest.ErrorAs[*apono.DecodeError](t, err).Err, "pagination has a page token with another name than next_page_token", pagination)
	}
}
