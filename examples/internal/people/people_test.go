package people

import (
	"testing"

	"github.com/apono-go/apono"
	"github.com/stretchr/testify/require"
)

func TestAddressesOfPerson(t *testing.T) {
	t.Parallel()
	ada := &apono.User{ID: "u1", Email: "Ada@example.com", EmailAliases: []string{"ada.old@example.com", "oncall@example.com"}}
	okta := &apono.User{ID: "u2", Email: "ada@Example.com"}
	ben := &apono.User{ID: "u3", Email: "ben@example.com", EmailAliases: []string{"ada@example.com", "OnCall@example.com"}}
	d := NewDirectory([]*apono.User{ben, ada, okta})

	require.Equal(t, []*apono.User{ada, okta}, d.Find("ADA@example.com"), "a primary address comes before an alias")
	require.Equal(t, []*apono.User{ada}, d.Find("Ada.Old@example.com"))
	require.Equal(t, []*apono.User{ben, ada}, d.Find("oncall@example.com"))
	require.Empty(t, d.Find("eve@example.com"))
	require.Equal(t, []*apono.User{ada, okta, ben}, d.All("ada@example.com"))
	require.Equal(t, []string{"ada@example.com", "ben@example.com"}, Primaries([]*apono.User{okta, ben, ada}))

	for address, want := range map[string]string{
		"ada.OLD@example.com": "ada@example.com", "ADA@example.com": "ada@example.com", "oncall@Example.com": "oncall@example.com",
		"Eve@example.com": "eve@example.com",
	} {
		require.Equal(t, want, d.Key(address))
	}
}
