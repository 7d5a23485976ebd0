package aponotest_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/stretchr/testify/require"
)

// pageIDs gets a page and returns its ids and the next page token.
func pageIDs(t *testing.T, server *aponotest.Server, query string) (ids, token string) {
	t.Helper()
	status, response := sendHTTP(t, server, "GET", integrationsPath+query, "")
	require.Equal(t, 200, status)
	var page struct {
		Items []struct {
			ID string `json:"id"`
		} `json:"items"`
		Pagination struct {
			NextPageToken string `json:"next_page_token"`
		} `json:"pagination"`
	}
	require.NoError(t, json.Unmarshal([]byte(response), &page))
	all := make([]string, 0, len(page.Items))
	for _, item := range page.Items {
		all = append(all, item.ID)
	}
	return strings.Join(all, " "), page.Pagination.NextPageToken
}

func serverWith(t *testing.T, n int, opts ...aponotest.Option) *aponotest.Server {
	t.Helper()
	server := aponotest.NewServer(t, opts...)
	for i := range n {
		server.Put(aponotest.Integrations, apono.Integration{
			ID: fmt.Sprint("i", i), Name: fmt.Sprintf("Name-%d", i), Type: []string{"mysql", "okta"}[i%2], ConnectorID: new("Con"),
		})
	}
	return server
}

func TestPageSizes(t *testing.T) {
	t.Parallel()
	server := serverWith(t, 5, aponotest.WithPageSize(3))
	ids, token := pageIDs(t, server, "")
	require.Equal(t, "i0 i1 i2", ids)
	ids, token = pageIDs(t, server, "?page_token="+token)
	require.Equal(t, "i3 i4", ids)
	require.Empty(t, token)
	ids, token = pageIDs(t, server, "?limit=2")
	require.Equal(t, "i0 i1", ids)
	ids, _ = pageIDs(t, server, "?page_token="+token)
	require.Equal(t, "i2 i3", ids)
	ids, _ = pageIDs(t, server, "?limit=1&page_token="+token)
	require.Equal(t, "i2", ids)
	ids, _ = pageIDs(t, server, "?limit=100")
	require.Equal(t, "i0 i1 i2", ids)
}

func TestFullLastPageHasNoToken(t *testing.T) {
	t.Parallel()
	server := serverWith(t, 100)
	_, token := pageIDs(t, server, "")
	require.Empty(t, token)
}

func TestFilterCaseAndPatterns(t *testing.T) {
	t.Parallel()
	server := serverWith(t, 4)
	for query, want := range map[string]string{
		"?name=name-1":                    "i1",
		"?name=NAME-1":                    "i1",
		"?name=name":                      "",
		"?name=na*":                       "i0 i1 i2 i3",
		"?name=*-2":                       "i2",
		"?name=*ME-*":                     "i0 i1 i2 i3",
		"?name=*":                         "i0 i1 i2 i3",
		"?name=n*1":                       "",
		"?type=My*":                       "i0 i2",
		"?type=mysql&type=OKTA":           "i0 i1 i2 i3",
		"?type=my":                        "",
		"?category=user-information":      "i1 i3",
		"?category=user*":                 "",
		"?status=active":                  "i0 i1 i2 i3",
		"?status=error":                   "",
		"?connector_id=con":               "i0 i1 i2 i3",
		"?connector_id=other":             "",
		"?name=*-2&type=okta":             "",
		"?name=*-2&type=okta&type=mysql":  "i2",
		"?category=RESOURCES&name=*-2":    "i2",
		"?name=" + url.QueryEscape("a&b"): "",
	} {
		t.Run(query, func(t *testing.T) {
			t.Parallel()
			ids, _ := pageIDs(t, server, query)
			require.Equal(t, want, ids)
		})
	}
}

// A client may send the token alone.
func TestPageTokenKeepsFiltersAndLimit(t *testing.T) {
	t.Parallel()
	server := serverWith(t, 6)
	ids, token := pageIDs(t, server, "?type=okta&limit=2")
	require.Equal(t, "i1 i3", ids)
	ids, _ = pageIDs(t, server, "?page_token="+token)
	require.Equal(t, "i5", ids)
	ids, _ = pageIDs(t, server, "?type=okta&page_token="+token)
	require.Equal(t, "i5", ids)
	checkResponse(t, server, "GET", integrationsPath+"?type=mysql&page_token="+token, "", 400,
		`{"field": "page_token", "message": "page_token: the token belongs to a list with other filters"}`)
}

// A deletion between two pages must not skip an object.
func TestDeletionsDoNotSkipItems(t *testing.T) {
	t.Parallel()
	server := serverWith(t, 4, aponotest.WithPageSize(2))
	ids, token := pageIDs(t, server, "")
	require.Equal(t, "i0 i1", ids)
	checkResponse(t, server, "DELETE", integrationsPath+"/i0", "", 204, "")
	ids, _ = pageIDs(t, server, "?page_token="+token)
	require.Equal(t, "i2 i3", ids)
}

func TestOffsetListsHavePagesWithOptionOnly(t *testing.T) {
	t.Parallel()
	const path = "/api/v3/integrations/i0/permissions"
	seed := func(server *aponotest.Server) *aponotest.Server {
		for _, id := range []string{"p0", "p1", "p2"} {
			server.Put(aponotest.PermissionsOf("i0"), apono.Permission{ID: id, Name: id, ResourceType: "t"})
		}
		return server
	}
	row := func(id string) string { return fmt.Sprintf(`{"id": %[1]q, "name": %[1]q, "resource_type": "t"}`, id) }

	whole := seed(serverWith(t, 1))
	checkResponse(t, whole, "GET", path, "", 200,
		`{"data": [`+row("p0")+`,`+row("p1")+`,`+row("p2")+`], "pagination": {"total": 3, "limit": 3, "offset": 0}}`)

	paged := seed(serverWith(t, 1, aponotest.WithOffsetPageSize(2)))
	checkResponse(t, paged, "GET", path, "", 200,
		`{"data": [`+row("p0")+`,`+row("p1")+`], "pagination": {"total": 3, "limit": 2, "offset": 0}}`)
	checkResponse(t, paged, "GET", path+"?skip=2", "", 200,
		`{"data": [`+row("p2")+`], "pagination": {"total": 3, "limit": 2, "offset": 2}}`)
	checkResponse(t, paged, "GET", path+"?skip=1&limit=1", "", 200,
		`{"data": [`+row("p1")+`], "pagination": {"total": 3, "limit": 1, "offset": 1}}`)
	checkResponse(t, paged, "GET", path+"?skip=9", "", 200, `{"data": [], "pagination": {"total": 3, "limit": 2, "offset": 9}}`)

	all, err := apono.Collect(paged.Client().Integrations.ListAllPermissions(t.Context(), "i0"))
	require.NoError(t, err)
	require.Len(t, all, 3)
}
