package wire_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apono-go/apono/internal/wire"
)

func TestUnmarshalLenient(t *testing.T) {
	t.Parallel()
	type inner struct{ Name string }
	type value struct {
		Text  string
		Count int64
		At    time.Time
		Inner inner
		List  []inner
		Bytes []byte
	}
	want := value{
		Text: "12.50", Count: 3600, At: time.Unix(1696263265, 851898000).UTC(), Inner: inner{Name: "true"}, List: []inner{{Name: "x"}}, Bytes: []byte("x"),
	}
	var got value
	require.NoError(t, wire.UnmarshalLenient([]byte(`{
		"Text": 12.50, "Count": "3600", "At": "1696263265.851898000", "Inner": {"Name": true}, "List": [{"Name": "x"}], "Bytes": "eA=="
	}`), &got))
	require.Equal(t, want, got)
	// An empty string is the zero value, also of what has a value already.
	require.NoError(t, wire.UnmarshalLenient([]byte(`{"Text": "", "Count": "", "At": " ", "Inner": "", "List": ""}`), &got))
	require.Equal(t, value{Bytes: []byte("x")}, got)
	for body, message := range map[string]string{
		`{"Count": "x"}`: "Count: not a number",
		`{"At": "x"}`:    "At: not a time in RFC 3339 or ISO 8601",
		`{"Inner": "x"}`: "Inner: cannot unmarshal string into Go struct",
		`{"List": "x"}`:  "List: cannot unmarshal string into Go slice",
	} {
		require.EqualError(t, wire.UnmarshalLenient([]byte(body), &got), message)
	}
}
