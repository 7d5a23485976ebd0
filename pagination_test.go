package apono_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/check"
	"github.com/apono-go/apono/internal/script"
)

// objects is a JSON array of objects with these ids.
func objects(ids []string) string {
	var elements []string
	for _, id := range ids {
		elements = append(elements, fmt.Sprintf(`{"id":%q}`, id))
	}
	return "[" + strings.Join(elements, ",") + "]"
}

func tokenPage(token string, ids ...string) string {
	return fmt.Sprintf(`{"items":%s,"pagination":{"next_page_token":%q}}`, objects(ids), token)
}

func offsetPage(total, limit, offset int, ids ...string) string {
	return fmt.Sprintf(`{"data":%s,"pagination":{"total":%d,"limit":%d,"offset":%d}}`, objects(ids), total, limit, offset)
}

// pager is a server of one list. Unlike a script it answers by what is asked
// for, so that requests may come in any order, and several at a time.
type pager struct {
	// pages are the bodies by page_token or skip; others are refused with 403.
	pages map[string]string
	// serve, if set, stands in for pages.
	serve func(at string) string
	// delay is how long the answer takes.
	delay func(at string) time.Duration
	// held are requests that never get an answer. Cancelled, each takes another
	// second to end.
	held func(at string) bool

	mu             sync.Mutex
	asked          []string
	times          []time.Time
	inFlight, most int
}

func (p *pager) RoundTrip(req *http.Request) (*http.Response, error) {
	p.mu.Lock()
	p.asked, p.times = append(p.asked, req.URL.RawQuery), append(p.times, time.Now())
	p.inFlight++
	p.most = max(p.most, p.inFlight)
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		p.inFlight--
		p.mu.Unlock()
	}()
	at := req.URL.Query().Get("page_token") + req.URL.Query().Get("skip")
	if p.held != nil && p.held(at) {
		<-req.Context().Done()
		time.Sleep(time.Second)
		return nil, req.Context().Err()
	}
	if p.delay != nil {
		time.Sleep(p.delay(at))
	}
	status, body := http.StatusOK, p.pages[at]
	if p.serve != nil {
		body = p.serve(at)
	}
	if body == "" {
		status, body = http.StatusForbidden, `{"message":"no page for you"}`
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req}, nil
}

func (p *pager) requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}

func (p *pager) underWay() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.inFlight
}

// client returns a client that is answered by the pager.
func (p *pager) client(t *testing.T, readAhead int) *apono.Client {
	t.Helper()
	return newClient(t, noRequest(t), apono.WithHTTPClient(&http.Client{Transport: p}), apono.WithReadAhead(readAhead))
}

// drain ranges over a list to its very end, also past an error, so that a list
// that goes on after its error is seen.
func drain[T any](t *testing.T, seq iter.Seq2[*T, error], id func(*T) string) (ids []string, err error) {
	t.Helper()
	for item, e := range seq {
		check.True(t, err == nil, "nothing after the error %v", err)
		check.True(t, (item == nil) == (e != nil), "an item or an error, got %v and %v", item, e)
		if err = e; err == nil {
			ids = append(ids, id(item))
		}
	}
	return ids, err
}

func permissionID(p *apono.Permission) string { return p.ID }

// Services built on listing lose or repeat objects, or never end, when a server
// pages in a way that the client did not think of: pages without items before
// the last one, an empty token in place of none, filters that the token carries
// already, tokens that come back. The reading of pages ahead must change none
// of the outcomes, so that each case is tried with and without it.
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
			pages: map[string]string{"": tokenPage("", "a", "b")},
			want:  []string{"a", "b"}, asked: []string{""},
		},
		{
			name:  "no item at all",
			pages: map[string]string{"": tokenPage("")},
			asked: []string{""},
		},
		{
			name: "later pages are asked for by their token, without filters",
			opts: []options{prod},
			pages: map[string]string{
				"": tokenPage("t2", "a", "b"), "t2": tokenPage("t+/= 3", "c"), "t+/= 3": tokenPage("", "d"),
			},
			want:  []string{"a", "b", "c", "d"},
			asked: []string{filters, "page_token=t2", "page_token=t%2B%2F%3D+3"},
		},
		{
			name:  "the limit is sent with every page if it was given",
			opts:  []options{limited},
			pages: map[string]string{"": tokenPage("t2", "a", "b"), "t2": tokenPage("", "c")},
			want:  []string{"a", "b", "c"},
			asked: []string{"connector_id=c1&limit=2&name=prod%2A&type=postgresql", "limit=2&page_token=t2"},
		},
		{
			name:  "the caller's page token is where the list starts",
			opts:  []options{resumed},
			pages: map[string]string{"t2": tokenPage("t3", "c"), "t3": tokenPage("", "d")},
			want:  []string{"c", "d"}, asked: []string{"page_token=t2", "page_token=t3"},
		},
		{
			name:  "the caller's page token and limit",
			opts:  []options{both},
			pages: map[string]string{"t2": tokenPage("t3", "c"), "t3": tokenPage("", "d")},
			want:  []string{"c", "d"}, asked: []string{"limit=2&page_token=t2", "limit=2&page_token=t3"},
		},
		{
			name:  "empty pages with a token",
			pages: map[string]string{"": tokenPage("t2"), "t2": tokenPage("t3"), "t3": tokenPage("", "a")},
			want:  []string{"a"}, asked: []string{"", "page_token=t2", "page_token=t3"},
		},
		{
			name:  "items null with pagination is an empty page",
			pages: map[string]string{"": `{"items":null,"pagination":{"next_page_token":"t2"}}`, "t2": tokenPage("", "a")},
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
			name:  "absent pagination ends the list",
			pages: map[string]string{"": `{"items":[{"id":"a"}]}`},
			want:  []string{"a"}, asked: []string{""},
		},
		{
			name:  "null pagination ends the list",
			pages: map[string]string{"": `{"items":[{"id":"a"}],"pagination":null}`},
			want:  []string{"a"}, asked: []string{""},
		},
		{
			name:  "a page that names itself as the next",
			pages: map[string]string{"": tokenPage("t2", "a"), "t2": tokenPage("t2", "b")},
			want:  []string{"a", "b"}, err: apono.ErrPageLoop, asked: []string{"", "page_token=t2"},
		},
		{
			name:  "a cycle of tokens",
			pages: map[string]string{"": tokenPage("t2", "a"), "t2": tokenPage("t3", "b"), "t3": tokenPage("t2", "c")},
			want:  []string{"a", "b", "c"}, err: apono.ErrPageLoop, asked: []string{"", "page_token=t2", "page_token=t3"},
		},
		{
			name:  "the caller's own page token at once",
			opts:  []options{resumed},
			pages: map[string]string{"t2": tokenPage("t2", "b")},
			want:  []string{"b"}, err: apono.ErrPageLoop, asked: []string{"page_token=t2"},
		},
		{
			name:  "the caller's own page token later",
			opts:  []options{resumed},
			pages: map[string]string{"t2": tokenPage("t3", "b"), "t3": tokenPage("t2", "c")},
			want:  []string{"b", "c"}, err: apono.ErrPageLoop, asked: []string{"page_token=t2", "page_token=t3"},
		},
		{
			name:  "a refusal in the middle",
			pages: map[string]string{"": tokenPage("t2", "a", "b"), "t2": tokenPage("t3", "c")},
			want:  []string{"a", "b", "c"}, err: apono.ErrForbidden, asked: []string{"", "page_token=t2", "page_token=t3"},
		},
		{
			name:  "a refusal at once",
			pages: map[string]string{},
			err:   apono.ErrForbidden, asked: []string{""},
		},
	} {
		for _, readAhead := range []int{0, 1, 4} {
			t.Run(fmt.Sprintf("%s, %d ahead", c.name, readAhead), func(t *testing.T) {
				t.Parallel()
				p := &pager{pages: c.pages}
				got, err := drain(t, p.client(t, readAhead).Integrations.ListAll(t.Context(), c.opts...), integrationID)
				check.Equal(t, got, c.want)
				check.ErrorIs(t, err, c.err)
				check.Equal(t, p.requests(), c.asked)
			})
		}
	}
}

func TestErrPageLoopNamesTheOperation(t *testing.T) {
	t.Parallel()
	p := &pager{pages: map[string]string{"": tokenPage("t2"), "t2": tokenPage("t2")}}
	_, err := drain(t, p.client(t, 0).Integrations.ListAll(t.Context()), integrationID)
	check.Equal(t, fmt.Sprint(err), "apono: GET /api/admin/v4/integrations: the server repeated a page token")
}

// List is for callers who page themselves, in another process perhaps: it gives
// the token, and with the token it sends what ListAll would send.
func TestListGivesOnePageAndResumes(t *testing.T) {
	t.Parallel()
	fake := script.New(t,
		script.Answer{Body: tokenPage("t2", "a", "b")},
		script.Answer{Body: tokenPage("", "c")},
	)
	client := newClient(t, fake)
	opts := apono.ListIntegrationsOptions{Name: "prod*", Limit: 2}
	page, err := client.Integrations.List(t.Context(), opts)
	check.NoError(t, err)
	check.Equal(t, page, &apono.Page[apono.Integration]{Items: []*apono.Integration{{ID: "a"}, {ID: "b"}}, NextPageToken: "t2"})
	opts.PageToken = page.NextPageToken
	page, err = client.Integrations.List(t.Context(), opts)
	check.NoError(t, err)
	check.Equal(t, page, &apono.Page[apono.Integration]{Items: []*apono.Integration{{ID: "c"}}})
	sent(t, fake.Requests()[0], "GET", "/api/admin/v4/integrations", "limit=2&name=prod%2A", "")
	sent(t, fake.Requests()[1], "GET", "/api/admin/v4/integrations", "limit=2&page_token=t2", "")
}

// An iterator that keeps its place between two ranges starts the second one at
// the last page, and a program that counts first and works then misses most of
// the list.
func TestListAllStartsAnewWithEveryRangeAndSendsNothingBefore(t *testing.T) {
	t.Parallel()
	tokens := &pager{pages: map[string]string{"": tokenPage("t2", "a"), "t2": tokenPage("", "b")}}
	offsets := &pager{pages: map[string]string{"": offsetPage(2, 1, 0, "a"), "1": offsetPage(2, 1, 1, "b")}}
	integrations := tokens.client(t, 0).Integrations.ListAll(t.Context())
	permissions := offsets.client(t, 0).Integrations.ListAllPermissions(t.Context(), "i1")
	check.Equal(t, len(tokens.requests())+len(offsets.requests()), 0)
	for range 2 {
		got, err := drain(t, integrations, integrationID)
		check.NoError(t, err)
		check.Equal(t, got, []string{"a", "b"})
		got, err = drain(t, permissions, permissionID)
		check.NoError(t, err)
		check.Equal(t, got, []string{"a", "b"})
	}
	check.Equal(t, tokens.requests(), []string{"", "page_token=t2", "", "page_token=t2"})
	check.Equal(t, offsets.requests(), []string{"", "skip=1", "", "skip=1"})
}

func TestLeavingTheLoopSendsNothingMore(t *testing.T) {
	t.Parallel()
	fake := script.New(t,
		script.Answer{Body: tokenPage("t2", "a", "b")},
		script.Answer{Body: offsetPage(4, 2, 0, "a", "b")},
	)
	client := newClient(t, fake)
	for _, err := range client.Integrations.ListAll(t.Context()) {
		check.NoError(t, err)
		break
	}
	for permission, err := range client.Integrations.ListAllPermissions(t.Context(), "i1") {
		check.NoError(t, err)
		if permission.ID == "b" {
			break
		}
	}
	check.Equal(t, len(fake.Requests()), 2)
}

func TestACancelledContextEndsTheListBetweenPages(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Answer{Body: tokenPage("t2", "a", "b")})
	ctx, cancel := context.WithCancel(t.Context())
	got, err := drain(t, newClient(t, fake).Integrations.ListAll(ctx), func(i *apono.Integration) string {
		cancel()
		return i.ID
	})
	check.Equal(t, got, []string{"a", "b"})
	check.ErrorIs(t, err, context.Canceled)
	check.Equal(t, check.ErrorAs[*apono.TransportError](t, err).Attempts, 0)
	check.Equal(t, len(fake.Requests()), 1)
}

// Options that a list changes while it goes on make the second use of the same
// value, or the use by another goroutine, filter by something else.
func TestListOptionsAreNotChangedAndCanBeShared(t *testing.T) {
	t.Parallel()
	p := &pager{pages: map[string]string{"": tokenPage("t2", "a"), "t2": tokenPage("", "b")}}
	client := p.client(t, 0)
	opts := apono.ListIntegrationsOptions{Limit: 1, Type: []string{"", "postgresql"}, Status: []apono.IntegrationStatus{"ACTIVE", ""}}
	shared := client.Integrations.ListAll(t.Context(), opts)
	const goroutines = 16
	var running sync.WaitGroup
	for range goroutines {
		running.Go(func() {
			for _, seq := range []iter.Seq2[*apono.Integration, error]{shared, client.Integrations.ListAll(t.Context(), opts)} {
				if got, err := names(seq, integrationID); err != nil || !slices.Equal(got, []string{"a", "b"}) {
					t.Errorf("got %v and error %v", got, err)
				}
			}
		})
	}
	running.Wait()
	check.Equal(t, opts, apono.ListIntegrationsOptions{Limit: 1, Type: []string{"", "postgresql"}, Status: []apono.IntegrationStatus{"ACTIVE", ""}})
	counts := map[string]int{}
	for _, query := range p.requests() {
		counts[query]++
	}
	check.Equal(t, counts, map[string]int{
		"limit=1&status=ACTIVE&type=postgresql": 2 * goroutines,
		"limit=1&page_token=t2":                 2 * goroutines,
	})
}

// A slice of options that was filled from an unset variable would ask for the
// integrations without type, and answer none.
func TestFiltersAreRepeatedKeysWithoutEmptyStrings(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Answer{Body: tokenPage("")}, script.Answer{Body: tokenPage("")})
	client := newClient(t, fake)
	for _, opts := range []apono.ListIntegrationsOptions{
		{Type: []string{"aws-account", "", "gcp & co"}, Status: []apono.IntegrationStatus{"ERROR", "ACTIVE"}},
		{Type: []string{""}, Status: []apono.IntegrationStatus{}, Category: []apono.IntegrationCategory{"", ""}},
	} {
		_, err := client.Integrations.List(t.Context(), opts)
		check.NoError(t, err)
	}
	check.Equal(t, fake.Requests()[0].Query, "status=ERROR&status=ACTIVE&type=aws-account&type=gcp+%26+co")
	check.Equal(t, fake.Requests()[1].Query, "")
}

func TestListArgumentsAreCheckedBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	type integrations = apono.ListIntegrationsOptions
	type permissions = apono.ListPermissionsOptions
	client := newClient(t, noRequest(t)).Integrations
	byToken := func(opts ...integrations) [2]error {
		_, listErr := client.List(t.Context(), opts...)
		_, allErr := drain(t, client.ListAll(t.Context(), opts...), integrationID)
		return [2]error{listErr, allErr}
	}
	byOffset := func(id string, opts ...permissions) [2]error {
		_, listErr := client.ListPermissions(t.Context(), id, opts...)
		_, allErr := drain(t, client.ListAllPermissions(t.Context(), id, opts...), permissionID)
		return [2]error{listErr, allErr}
	}
	const outOfRange = ": it must be between 0 (not given) and 2147483647"
	beyond := math.MaxInt32
	beyond++ // below zero where int has 32 bits, which is out of range as well
	for _, c := range []struct {
		name string
		errs [2]error
		want string
	}{
		{"two values", byToken(integrations{}, integrations{}), "apono: argument opts: must be one value at most, not 2"},
		{"two values, by offset", byOffset("i1", permissions{}, permissions{}), "apono: argument opts: must be one value at most, not 2"},
		{"negative Limit", byToken(integrations{Limit: -1}), "apono: argument Limit" + outOfRange},
		{"Limit beyond int32", byToken(integrations{Limit: beyond}), "apono: argument Limit" + outOfRange},
		{"Limit beside a page token", byToken(integrations{Limit: -1, PageToken: "t2"}), "apono: argument Limit" + outOfRange},
		{"negative Limit, by offset", byOffset("i1", permissions{Limit: -5}), "apono: argument Limit" + outOfRange},
		{"negative Skip", byOffset("i1", permissions{Skip: -1}), "apono: argument Skip" + outOfRange},
		{"Skip beyond int32", byOffset("i1", permissions{Skip: beyond}), "apono: argument Skip" + outOfRange},
		{"empty id", byOffset(""), "apono: argument id: it is empty: it must name one object"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, err := range c.errs {
				check.ErrorAs[*apono.ArgumentError](t, err)
				check.Equal(t, err.Error(), c.want)
			}
		})
	}
}

// An answer of another shape that decodes into an empty page makes a program
// believe that there is nothing, and delete what it keeps about it.
func TestAnAnswerThatIsNoPageIsADecodeError(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, body, reason string }{
		{"a null item", `{"items":[{"id":"a"},null],"data":[{"id":"a"},null],"pagination":{"total":2}}`, "item 1 of the list is null"},
		{"a message", `{"message":"maintenance"}`, "nor pagination"},
		{"an empty object", `{}`, "nor pagination"},
		{"null members", `{"items":null,"data":null,"pagination":null}`, "nor pagination"},
		{"the items alone", `[{"id":"a"}]`, "cannot unmarshal array"},
		{"items that are texts", `{"items":["a"],"data":["a"],"pagination":{"total":1}}`, "cannot unmarshal string"},
		{"items that are no array", `{"items":{"id":"a"},"data":{"id":"a"},"pagination":{"total":1}}`, "cannot unmarshal object"},
		{"a member of another type", `{"items":[{"id":7}],"data":[{"id":7}],"pagination":{"total":1}}`, "cannot unmarshal number"},
		{"pagination of another type", `{"items":[],"data":[],"pagination":"none"}`, "cannot unmarshal string"},
		{"null", `null`, "the body is null"},
		{"nothing", ``, "the body is empty"},
		{"HTML", `<html>Sign in</html>`, "invalid character"},
		{"two values", `{"items":[],"data":[],"pagination":{}}{}`, "invalid character '{' after top-level value"},
	} {
		for _, readAhead := range []int{0, 3} {
			t.Run(fmt.Sprintf("%s, %d ahead", c.name, readAhead), func(t *testing.T) {
				t.Parallel()
				fake := script.New(t,
					script.Answer{Body: c.body}, script.Answer{Body: tokenPage("t2", "x")}, script.Answer{Body: c.body},
					script.Answer{Body: c.body}, script.Answer{Body: offsetPage(2, 1, 0, "x")}, script.Answer{Body: c.body},
				)
				client := newClient(t, fake, apono.WithReadAhead(readAhead)).Integrations
				var errs [4]error
				_, errs[0] = client.List(t.Context())
				got, err := drain(t, client.ListAll(t.Context()), integrationID)
				check.Equal(t, got, []string{"x"})
				errs[1] = err
				_, errs[2] = client.ListPermissions(t.Context(), "i1")
				got, err = drain(t, client.ListAllPermissions(t.Context(), "i1"), permissionID)
				check.Equal(t, got, []string{"x"})
				errs[3] = err
				for _, err := range errs {
					check.Equal(t, string(check.ErrorAs[*apono.DecodeError](t, err).Body), c.body)
					check.Contains(t, err.Error(), ": 200 OK with a body that cannot be used: ", c.reason)
				}
			})
		}
	}
}

// A list by offset without pagination may be whole or its first part. Taken for
// whole it would hide the rest.
func TestAnOffsetPageWithoutPaginationIsADecodeError(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Answer{Body: `{"data":[{"id":"a"}]}`})
	_, err := drain(t, newClient(t, fake).Integrations.ListAllPermissions(t.Context(), "i1"), permissionID)
	check.ErrorAs[*apono.DecodeError](t, err)
	check.Equal(t, err.Error(), "apono: GET /api/v3/integrations/{id}/permissions: 200 OK with a body that cannot be used: "+
		"it has no pagination, so that nothing says whether it is complete")
}

// Apono adds states and fields without notice. A client that insists on those
// it was built with fails on the whole page for one object that it may not even
// be looking for.
func TestPagesOfANewerAPIDecode(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Answer{Body: `{
		"items": [
			{"id": "a", "name": "one", "type": "quantum-db", "category": "MAINFRAME", "status": "HIBERNATING", "color": {"r": 1},
				"integration_config": {}, "owner": {"attribute_type": "team", "attribute_value": ["x"], "since": 7}},
			{"id": "b"},
			{}
		],
		"pagination": {"next_page_token": "", "total": 3},
		"trace": "abc"
	}`})
	got, err := apono.Collect(newClient(t, fake).Integrations.ListAll(t.Context()))
	check.NoError(t, err)
	check.Equal(t, len(got), 3)
	check.Equal(t, got[0].Category, apono.IntegrationCategory("MAINFRAME"))
	check.Equal(t, got[0].Status, apono.IntegrationStatus("HIBERNATING"))
	check.Equal(t, got[0].Type, "quantum-db")
	check.Equal(t, got[0].Owner, &apono.Owner{
		AttributeType: "team", AttributeValue: []string{"x"}, Extra: apono.Extra{"since": json.RawMessage("7")},
	})
	check.Equal(t, got[0].Extra, apono.Extra{"color": json.RawMessage(`{"r": 1}`)})
	check.Equal(t, got[1:], []*apono.Integration{{ID: "b"}, {}})
}

func TestCollect(t *testing.T) {
	t.Parallel()
	p := &pager{pages: map[string]string{"": tokenPage("t2", "a", "b"), "t2": tokenPage("t3", "c"), "end": tokenPage("")}}
	client := p.client(t, 0).Integrations
	items, err := apono.Collect(client.ListAll(t.Context()))
	check.Equal(t, items, []*apono.Integration{{ID: "a"}, {ID: "b"}, {ID: "c"}})
	check.ErrorIs(t, err, apono.ErrForbidden)
	p.pages["t3"] = tokenPage("", "d")
	items, err = apono.Collect(client.ListAll(t.Context()))
	check.Equal(t, items, []*apono.Integration{{ID: "a"}, {ID: "b"}, {ID: "c"}, {ID: "d"}})
	check.NoError(t, err)
	items, err = apono.Collect(client.ListAll(t.Context(), apono.ListIntegrationsOptions{PageToken: "end"}))
	check.Equal(t, items, []*apono.Integration{})
	check.NoError(t, err)
}

func TestListPermissionsGivesOnePage(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Answer{Body: offsetPage(9, 2, 4, "e", "f")})
	page, err := newClient(t, fake).Integrations.ListPermissions(t.Context(), "i1", apono.ListPermissionsOptions{Skip: 4, Limit: 2})
	check.NoError(t, err)
	check.Equal(t, page, &apono.OffsetPage[apono.Permission]{Items: []*apono.Permission{{ID: "e"}, {ID: "f"}}, Total: 9, Limit: 2, Offset: 4})
	sent(t, fake.Requests()[0], "GET", "/api/v3/integrations/i1/permissions", "limit=2&skip=4", "")
}

// Nothing documents how the older lists page. A client that trusts their limit
// and total loops for ever where these are zero, takes the first page for the
// whole list, or gives the same objects twice.
func TestOffsetListsAreWholeOrEndInErrTruncated(t *testing.T) {
	t.Parallel()
	type options = apono.ListPermissionsOptions
	truncated := func(total, received int, reason string) *apono.TruncatedError {
		return &apono.TruncatedError{Method: "GET", Path: "/api/v3/integrations/{id}/permissions", Total: total, Received: received, Reason: reason}
	}
	for _, c := range []struct {
		name  string
		opts  []options
		pages map[string]string // by skip
		want  []string
		err   *apono.TruncatedError
		asked []string
	}{
		{
			name:  "everything at once",
			pages: map[string]string{"": offsetPage(3, 3, 0, "a", "b", "c")},
			want:  []string{"a", "b", "c"}, asked: []string{""},
		},
		{
			name:  "nothing",
			pages: map[string]string{"": offsetPage(0, 100, 0)},
			asked: []string{""},
		},
		{
			name:  "data null with pagination",
			pages: map[string]string{"": `{"data":null,"pagination":{"total":0,"limit":0,"offset":0}}`},
			asked: []string{""},
		},
		{
			name:  "pages",
			pages: map[string]string{"": offsetPage(5, 2, 0, "a", "b"), "2": offsetPage(5, 2, 2, "c", "d"), "4": offsetPage(5, 2, 4, "e")},
			want:  []string{"a", "b", "c", "d", "e"}, asked: []string{"", "skip=2", "skip=4"},
		},
		{
			name:  "limit and filter go with every page",
			opts:  []options{{Limit: 2, ResourceType: "db"}},
			pages: map[string]string{"": offsetPage(3, 2, 0, "a", "b"), "2": offsetPage(3, 2, 2, "c")},
			want:  []string{"a", "b", "c"}, asked: []string{"limit=2&resource-type=db", "limit=2&resource-type=db&skip=2"},
		},
		{
			name:  "the caller's skip is where the list starts",
			opts:  []options{{Skip: 2}},
			pages: map[string]string{"2": offsetPage(5, 2, 2, "c", "d"), "4": offsetPage(5, 2, 4, "e")},
			want:  []string{"c", "d", "e"}, asked: []string{"skip=2", "skip=4"},
		},
		{
			name:  "skip beyond the end",
			opts:  []options{{Skip: 9}},
			pages: map[string]string{"9": offsetPage(5, 2, 9)},
			asked: []string{"skip=9"},
		},
		{
			name:  "skip beyond the end, which the server moves to the end",
			opts:  []options{{Skip: 9}},
			pages: map[string]string{"9": offsetPage(5, 2, 5)},
			err:   truncated(5, 0, "asked for the items from 9, the server answered those from 5"),
			asked: []string{"skip=9"},
		},
		{
			name:  "skip ignored",
			pages: map[string]string{"": offsetPage(5, 2, 0, "a", "b"), "2": offsetPage(5, 2, 0, "a", "b"), "4": offsetPage(5, 2, 0, "a", "b")},
			want:  []string{"a", "b"},
			err:   truncated(5, 2, "asked for the items from 2, the server answered those from 0"),
			asked: []string{"", "skip=2"},
		},
		{
			name:  "the caller's skip ignored",
			opts:  []options{{Skip: 2}},
			pages: map[string]string{"2": offsetPage(5, 2, 0, "a", "b")},
			err:   truncated(5, 0, "asked for the items from 2, the server answered those from 0"),
			asked: []string{"skip=2"},
		},
		{
			name:  "another offset after the caller's skip",
			opts:  []options{{Skip: 1}},
			pages: map[string]string{"1": offsetPage(5, 2, 1, "b", "c"), "3": offsetPage(5, 2, 4, "e")},
			want:  []string{"b", "c"},
			err:   truncated(5, 2, "asked for the items from 3, the server answered those from 4"),
			asked: []string{"skip=1", "skip=3"},
		},
		{
			name:  "the offset that was asked for with the items from before",
			pages: map[string]string{"": offsetPage(5, 2, 0, "a", "b"), "2": offsetPage(5, 2, 2, "a", "b"), "4": offsetPage(5, 2, 4, "a")},
			want:  []string{"a", "b"},
			err:   truncated(5, 2, "the server sent the same items again"),
			asked: []string{"", "skip=2"},
		},
		{
			name:  "limit zero",
			pages: map[string]string{"": offsetPage(3, 0, 0, "a", "b"), "2": offsetPage(3, 0, 2, "c")},
			want:  []string{"a", "b", "c"}, asked: []string{"", "skip=2"},
		},
		{
			name:  "fewer items than the limit",
			pages: map[string]string{"": offsetPage(3, 100, 0, "a"), "1": offsetPage(3, 100, 1, "b"), "2": offsetPage(3, 100, 2, "c")},
			want:  []string{"a", "b", "c"}, asked: []string{"", "skip=1", "skip=2"},
		},
		{
			name:  "more items than the limit",
			pages: map[string]string{"": offsetPage(5, 1, 0, "a", "b", "c"), "3": offsetPage(5, 1, 3, "d", "e")},
			want:  []string{"a", "b", "c", "d", "e"}, asked: []string{"", "skip=3"},
		},
		{
			// Reading ahead guesses 2, 4, 5 and must come back to 3.
			name:  "pages of other sizes",
			pages: map[string]string{"": offsetPage(6, 2, 0, "a", "b"), "2": offsetPage(6, 2, 2, "c"), "3": offsetPage(6, 2, 3, "d", "e", "f")},
			want:  []string{"a", "b", "c", "d", "e", "f"}, asked: []string{"", "skip=2", "skip=3"},
		},
		{
			name:  "total zero and pages up to an empty one",
			pages: map[string]string{"": offsetPage(0, 0, 0, "a", "b"), "2": offsetPage(0, 0, 2, "c"), "3": offsetPage(0, 0, 3)},
			want:  []string{"a", "b", "c"}, asked: []string{"", "skip=2", "skip=3"},
		},
		{
			name:  "total zero and skip ignored",
			pages: map[string]string{"": offsetPage(0, 0, 0, "a", "b"), "2": offsetPage(0, 0, 0, "a", "b")},
			want:  []string{"a", "b"},
			err:   truncated(0, 2, "asked for the items from 2, the server answered those from 0"),
			asked: []string{"", "skip=2"},
		},
		{
			name:  "total negative",
			pages: map[string]string{"": offsetPage(-1, 1, 0, "a"), "1": offsetPage(-1, 1, 1, "b"), "2": offsetPage(-1, 1, 2)},
			want:  []string{"a", "b"}, asked: []string{"", "skip=1", "skip=2"},
		},
		{
			name:  "total below the items",
			pages: map[string]string{"": offsetPage(3, 2, 0, "a", "b"), "2": offsetPage(3, 2, 2, "c", "d"), "4": offsetPage(3, 2, 4)},
			want:  []string{"a", "b", "c", "d"}, asked: []string{"", "skip=2", "skip=4"},
		},
		{
			name:  "total grows",
			pages: map[string]string{"": offsetPage(4, 2, 0, "a", "b"), "2": offsetPage(5, 2, 2, "b", "c")},
			want:  []string{"a", "b"},
			err:   truncated(5, 2, "the total changed from 4, so items may have moved"),
			asked: []string{"", "skip=2"},
		},
		{
			name:  "total shrinks",
			pages: map[string]string{"": offsetPage(4, 2, 0, "a", "b"), "2": offsetPage(3, 2, 2, "d")},
			want:  []string{"a", "b"},
			err:   truncated(3, 2, "the total changed from 4, so items may have moved"),
			asked: []string{"", "skip=2"},
		},
		{
			name:  "an empty page before the end",
			pages: map[string]string{"": offsetPage(5, 2, 0, "a", "b"), "2": offsetPage(5, 2, 2)},
			want:  []string{"a", "b"},
			err:   truncated(5, 2, "the server sent no more items"),
			asked: []string{"", "skip=2"},
		},
		{
			name:  "a total and no items",
			pages: map[string]string{"": offsetPage(5, 2, 0)},
			err:   truncated(5, 0, "the server sent no more items"),
			asked: []string{""},
		},
	} {
		for _, readAhead := range []int{0, 1, 3} {
			t.Run(fmt.Sprintf("%s, %d ahead", c.name, readAhead), func(t *testing.T) {
				t.Parallel()
				p := &pager{pages: c.pages}
				got, err := drain(t, p.client(t, readAhead).Integrations.ListAllPermissions(t.Context(), "i1", c.opts...), permissionID)
				check.Equal(t, got, c.want)
				if c.err == nil {
					check.NoError(t, err)
				} else {
					check.ErrorIs(t, err, apono.ErrTruncated)
					check.Equal(t, check.ErrorAs[*apono.TruncatedError](t, err), c.err)
				}
				asked := p.requests()
				if readAhead == 0 {
					check.Equal(t, asked, c.asked)
				}
				check.True(t, len(asked) <= len(c.asked)*(1+readAhead), "a bounded number of requests, got %v", asked)
			})
		}
	}
}

// A server that ignores what it is asked to skip, but counts it, ends with a
// part of its first page. The total then agrees, though the list holds items
// twice and lacks others.
func TestOffsetListsNoticeAShorterPageOfItemsFromBefore(t *testing.T) {
	t.Parallel()
	p := &pager{pages: map[string]string{"": offsetPage(5, 3, 0, "a", "b", "c"), "3": offsetPage(5, 3, 3, "a", "b")}}
	got, err := drain(t, p.client(t, 0).Integrations.ListAllPermissions(t.Context(), "i1"), permissionID)
	check.Equal(t, got, []string{"a", "b", "c"})
	check.ErrorIs(t, err, apono.ErrTruncated)
}

func TestTruncatedErrorSaysHowFarTheListWasRead(t *testing.T) {
	t.Parallel()
	p := &pager{pages: map[string]string{"": offsetPage(5, 2, 0, "a", "b"), "2": offsetPage(5, 2, 2)}}
	_, err := drain(t, p.client(t, 0).Integrations.ListAllPermissions(t.Context(), "i1"), permissionID)
	check.Equal(t, fmt.Sprint(err), "apono: GET /api/v3/integrations/{id}/permissions: the list is not complete: "+
		"2 items read, total 5: the server sent no more items")
}

// oddServer serves a list by offset in a way that chance chooses, out of those
// that servers are known or feared to have.
func oddServer(r *rand.Rand, ids []string) func(at string) string {
	n := len(ids)
	sizes := make([]int, n+1) // of the page from each offset
	for i := range sizes {
		sizes[i] = 1 + r.IntN(4)
	}
	sameSize := r.IntN(2) == 0
	total := []int{n, n, n, n, 0, -1, n + 3}[r.IntN(7)]
	moving := r.IntN(8) == 0
	stop := n + 1 // from here on pages are empty
	if total >= n && r.IntN(4) == 0 {
		stop = r.IntN(n + 1)
	}
	unpaged := r.IntN(20) == 0
	limit := r.IntN(5)
	const heeds, ignores, ignoresAndEchoes, echoesOther = 0, 1, 2, 3
	skipping := []int{heeds, heeds, heeds, ignores, ignoresAndEchoes, echoesOther}[r.IntN(6)]
	if skipping == ignoresAndEchoes {
		sameSize = true // parts of a page that was sent before cannot be told from others
	}
	return func(at string) string {
		skip, _ := strconv.Atoi(at)
		echo, from := skip, min(skip, n)
		switch {
		case skipping == ignores:
			echo, from = 0, 0
		case skipping == ignoresAndEchoes:
			from = 0
		case skipping == echoesOther && skip > 0:
			echo++
		}
		size := sizes[from]
		if sameSize {
			size = sizes[0]
		}
		if skip >= stop {
			size = 0
		}
		page := ids[from:min(from+size, n)]
		answered := total
		if moving {
			answered += skip
		}
		if unpaged && skip > 0 {
			return `{"data":` + objects(page) + `}`
		}
		return offsetPage(answered, limit, echo, page...)
	}
}

// Whatever a server does, a list by offset never repeats an item, never leaves
// one out silently, and ends.
func TestOffsetListsOnAnyServer(t *testing.T) {
	t.Parallel()
	for _, readAhead := range []int{0, 1, 5} {
		t.Run(strconv.Itoa(readAhead), func(t *testing.T) {
			t.Parallel()
			outcomes := map[string]int{}
			for seed := range uint64(500) {
				r := rand.New(rand.NewPCG(seed, 0))
				var ids []string
				for i := range r.IntN(13) {
					ids = append(ids, strconv.Itoa(i))
				}
				p := &pager{serve: oddServer(r, ids)}
				got, err := drain(t, p.client(t, readAhead).Integrations.ListAllPermissions(t.Context(), "i1"), permissionID)
				check.True(t, len(got) <= len(ids) && slices.Equal(got, ids[:len(got)]), "seed %d: the first of %v, got %v", seed, ids, got)
				check.True(t, len(p.requests()) <= (len(ids)+2)*(1+readAhead), "seed %d: a bounded number of requests, got %v", seed, p.requests())
				switch e := (*apono.TruncatedError)(nil); {
				case err == nil:
					outcomes["whole"]++
					check.True(t, len(got) == len(ids), "seed %d: all of %v, got %v", seed, ids, got)
				case errors.As(err, &e):
					outcomes[strings.Join(strings.Fields(e.Reason)[:3], " ")]++
					check.True(t, e.Received == len(got), "seed %d: %d received, got %d", seed, len(got), e.Received)
				default:
					outcomes["no page"]++
					check.ErrorAs[*apono.DecodeError](t, err)
				}
			}
			// The servers are odd enough only if they bring about every end.
			check.Equal(t, slices.Sorted(maps.Keys(outcomes)), []string{
				"asked for the", "no page", "the server sent", "the total changed", "whole",
			})
		})
	}
}

func TestReadAheadGetsOneTokenPageDuringTheLoop(t *testing.T) {
	t.Parallel()
	const s = time.Second
	for readAhead, want := range map[int][]time.Duration{
		// The requests, and the end of the loop.
		0: {0, 11 * s, 17 * s, 23 * s},
		1: {0, 1 * s, 11 * s, 21 * s},
		4: {0, 1 * s, 11 * s, 21 * s},
	} {
		t.Run(strconv.Itoa(readAhead), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &pager{
					pages: map[string]string{"": tokenPage("t2", "a", "b"), "t2": tokenPage("t3", "c"), "t3": tokenPage("", "d")},
					delay: func(string) time.Duration { return s },
				}
				start := time.Now()
				got, err := drain(t, p.client(t, readAhead).Integrations.ListAll(t.Context()), func(i *apono.Integration) string {
					time.Sleep(5 * s)
					return i.ID
				})
				check.NoError(t, err)
				check.Equal(t, got, []string{"a", "b", "c", "d"})
				var times []time.Duration
				for _, at := range append(p.times, time.Now()) {
					times = append(times, at.Sub(start))
				}
				check.Equal(t, times, want)
			})
		})
	}
}

// The wait for the next page is hidden behind decoding only if the request is on
// its way before.
func TestReadAheadAsksForTheNextPageBeforeItDecodesThisOne(t *testing.T) {
	t.Parallel()
	// Long enough to decode that the request is seen to start meanwhile.
	slow := strings.Repeat(`{"id":"a"},`, 1<<18)
	for readAhead, want := range map[int][]string{0: {""}, 1: {"", "page_token=t2"}} {
		t.Run(strconv.Itoa(readAhead), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &pager{
					pages: map[string]string{"": `{"items":[` + slow + `"none"],"pagination":{"next_page_token":"t2"}}`},
					held:  func(at string) bool { return at == "t2" },
				}
				got, err := drain(t, p.client(t, readAhead).Integrations.ListAll(t.Context()), integrationID)
				check.ErrorAs[*apono.DecodeError](t, err)
				check.Equal(t, got, nil)
				check.Equal(t, p.requests(), want)
			})
		})
	}
}

// A token that is found before decoding may be another member of that name; a
// program that followed it would lose every page after this one.
func TestTokenFoundBeforeDecodingIsOnlyAGuess(t *testing.T) {
	t.Parallel()
	const misleading = `"items":[{"id":"a","integration_config":{"next_page_token":"bogus"}}]`
	for _, c := range []struct {
		name, first string
		ids, asked  []string
	}{
		{
			"an item's member after the pagination", `{"pagination":{"next_page_token":"t2"},` + misleading + `}`,
			[]string{"a", "b"}, []string{"", "page_token=t2"},
		},
		{"an item's member on the last page", `{"pagination":{},` + misleading + `}`, []string{"a"}, []string{""}},
		{
			"an item's member before the pagination", `{` + misleading + `,"pagination":{"next_page_token":"t2"}}`,
			[]string{"a", "b"}, []string{"", "page_token=t2"},
		},
		{
			"a text that looks like one", `{"pagination":{"next_page_token":"t2"},"items":[{"id":"a","custom_access_details":"\"next_page_token\":\"bogus\""}]}`,
			[]string{"a", "b"}, []string{"", "page_token=t2"},
		},
		{
			"white space and escapes", "{\"items\":[{\"id\":\"a\"}],\"pagination\":{\"next_page_token\" \n: \t\"t\\u0032\" }}",
			[]string{"a", "b"}, []string{"", "page_token=t2"},
		},
		{
			"an escaped name", `{"items":[{"id":"a"}],"pagination":{"next_page_toke\u006e":"t2"}}`,
			[]string{"a", "b"}, []string{"", "page_token=t2"},
		},
		{"null", `{"items":[{"id":"a"}],"pagination":{"next_page_token":null}}`, []string{"a"}, []string{""}},
		{"the end of the body", `{"items":[{"id":"a"}],"pagination":{"next_page_token"`, nil, []string{""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &pager{pages: map[string]string{"": c.first, "t2": tokenPage("", "b")}}
				got, err := drain(t, p.client(t, 1).Integrations.ListAll(t.Context()), integrationID)
				check.True(t, (err != nil) == (c.ids == nil), "an error only where nothing came, got %v", err)
				check.Equal(t, got, c.ids)
				// A wrong guess may be dropped before it is sent.
				asked := slices.DeleteFunc(p.requests(), func(query string) bool { return query == "page_token=bogus" })
				check.Equal(t, asked, c.asked)
			})
		})
	}
}

// A listing that was cancelled must not look like one that is complete, even if
// the rest of it has come already.
func TestCancelledListingEndsInTheContextsErrorThoughTheRestHasCome(t *testing.T) {
	t.Parallel()
	for style, list := range map[string]struct {
		pages map[string]string
		loop  func(ctx context.Context, s *apono.IntegrationsService, more func() bool) error
	}{
		"token": {
			map[string]string{"": tokenPage("t2", "a"), "t2": tokenPage("", "b")},
			func(ctx context.Context, s *apono.IntegrationsService, more func() bool) error {
				return loop(s.ListAll(ctx), more)
			},
		},
		"offset": {
			map[string]string{"": offsetPage(2, 1, 0, "a"), "1": offsetPage(2, 1, 1, "b")},
			func(ctx context.Context, s *apono.IntegrationsService, more func() bool) error {
				return loop(s.ListAllPermissions(ctx, "i1"), more)
			},
		},
	} {
		t.Run(style, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &pager{pages: list.pages}
				ctx, cancel := context.WithCancel(t.Context())
				items := 0
				err := list.loop(ctx, p.client(t, 1).Integrations, func() bool {
					items++
					synctest.Wait()
					check.Equal(t, len(p.requests()), 2)
					check.Equal(t, p.underWay(), 0)
					cancel()
					return true
				})
				check.ErrorIs(t, err, context.Canceled)
				check.ErrorAs[*apono.TransportError](t, err)
				check.Equal(t, items, 1)
			})
		})
	}
}

func TestReadAheadOfOffsetPagesRunsAtOnceUpToItsNumber(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		readAhead, most int
		took            time.Duration
	}{
		{readAhead: 0, most: 1, took: 10 * time.Second},
		{readAhead: 1, most: 1, took: 10 * time.Second},
		{readAhead: 3, most: 3, took: 4 * time.Second},
		{readAhead: 64, most: 9, took: 2 * time.Second},
	} {
		t.Run(strconv.Itoa(c.readAhead), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &pager{
					serve: func(at string) string {
						skip, _ := strconv.Atoi(at)
						return offsetPage(10, 1, skip, strconv.Itoa(skip))
					},
					delay: func(string) time.Duration { return time.Second },
				}
				start := time.Now()
				got, err := drain(t, p.client(t, c.readAhead).Integrations.ListAllPermissions(t.Context(), "i1"), permissionID)
				check.NoError(t, err)
				check.Equal(t, got, []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"})
				check.Equal(t, len(p.requests()), 10)
				check.Equal(t, p.most, c.most)
				check.Equal(t, time.Since(start), c.took)
			})
		})
	}
}

// A page that fails early must not overtake the pages before it: a program that
// stops at the error would not know the items that it could have had.
func TestReadAheadReportsAFailureInItsPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &pager{
			pages: map[string]string{"": offsetPage(4, 1, 0, "a"), "1": offsetPage(4, 1, 1, "b"), "3": offsetPage(4, 1, 3, "d")},
			delay: func(at string) time.Duration {
				if at == "1" {
					return 10 * time.Second
				}
				return 0
			},
		}
		got, err := drain(t, p.client(t, 3).Integrations.ListAllPermissions(t.Context(), "i1"), permissionID)
		check.Equal(t, got, []string{"a", "b"})
		check.ErrorIs(t, err, apono.ErrForbidden)
	})
}

// loop ranges over a list as a program does that stops at an error or when it
// has had enough, and survives its own panics.
func loop[T any](seq iter.Seq2[*T, error], more func() bool) (err error) {
	defer func() { _ = recover() }()
	for _, err = range seq {
		if err != nil || !more() {
			return err
		}
	}
	return err
}

// A request that goes on after the loop was left costs the server's work for
// nothing, and a goroutine that waits for it for ever is a leak. In the bubble a
// goroutine that stays behind fails the test by itself.
func TestLeavingALoopThatReadsAheadEndsItsRequests(t *testing.T) {
	t.Parallel()
	later := func(at string) bool { return at != "" }
	for style, list := range map[string]struct {
		first string
		loop  func(ctx context.Context, s *apono.IntegrationsService, more func() bool) error
	}{
		"token": {tokenPage("t2", "a"), func(ctx context.Context, s *apono.IntegrationsService, more func() bool) error {
			return loop(s.ListAll(ctx), more)
		}},
		"offset": {offsetPage(5, 1, 0, "a"), func(ctx context.Context, s *apono.IntegrationsService, more func() bool) error {
			return loop(s.ListAllPermissions(ctx, "i1"), more)
		}},
	} {
		for _, c := range []struct {
			name string
			// more is called with the first item; the loop ends where it is false.
			more func(cancel func()) bool
			held func(at string) bool
			err  error
		}{
			{name: "break", more: func(func()) bool { return false }, held: later},
			{name: "panic", more: func(func()) bool { panic("the caller's") }, held: later},
			{name: "cancel", more: func(cancel func()) bool { cancel(); return true }, held: later, err: context.Canceled},
			{
				name: "error", more: func(func()) bool { return true },
				held: func(at string) bool { return at == "2" || at == "3" }, err: apono.ErrForbidden,
			},
		} {
			t.Run(style+", "+c.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					p := &pager{pages: map[string]string{"": list.first}, held: c.held}
					start := time.Now()
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					err := list.loop(ctx, p.client(t, 3).Integrations, func() bool {
						synctest.Wait() // until the pages ahead have been asked for
						return c.more(cancel)
					})
					check.ErrorIs(t, err, c.err)
					check.Equal(t, p.underWay(), 0)
					// A held request that nobody cancels runs into its timeout.
					check.True(t, time.Since(start) <= time.Second, "the loop to end at once, took %s", time.Since(start))
					check.True(t, len(p.requests()) > 1, "pages read ahead, only %v were asked for", p.requests())
				})
			})
		}
	}
}
