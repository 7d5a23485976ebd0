package aponotest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/stretchr/testify/require"
)

func TestWithoutNetworkBehavesTheSame(t *testing.T) {
	t.Parallel()
	for mode, opts := range faultModes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			server := faultServer(t, opts...)
			client, ctx := server.Client(), t.Context()
			require.NoError(t, faultCalls["Groups.Create"](ctx, client))
			require.NoError(t, faultCalls["Integrations.Delete"](ctx, client))
			_, err := client.Integrations.Get(ctx, "a/b ?")
			require.EqualError(t, err, `apono: GET /api/admin/v4/integrations/{id}: 404 Not Found: integration "a/b ?" not found, request ID fake-3`)
			page, err := client.Groups.List(ctx, apono.ListGroupsOptions{Name: "G*", Limit: 5})
			require.NoError(t, err)
			require.Len(t, page.Items, 1)
			var sent []string
			for _, request := range server.Requests() {
				require.Equal(t, "Bearer aponotest-token", request.Header.Get("Authorization"))
				sent = append(sent, strings.TrimSpace(fmt.Sprintf("%d %s %s %s %s", request.Status, request.Method, request.Path, request.Query.Encode(), request.Body)))
			}
			require.Equal(t, []string{
				`200 POST /api/admin/v1/groups  {"name":"g","members_emails":[]}`,
				`204 DELETE /api/admin/v4/integrations/i0`,
				`404 GET /api/admin/v4/integrations/a%2Fb%20%3F`,
				`200 GET /api/admin/v1/groups limit=5&name=G%2A`,
			}, sent)
			wrong := aponotest.NewServer(t, append(opts, aponotest.WithToken("other"))...)
			wrong.Token = "mine"
			denied := wrong.Client()
			wrong.Token = "other"
			_, err = denied.Groups.List(ctx)
			require.ErrorIs(t, err, apono.ErrUnauthorized)
		})
	}
}
