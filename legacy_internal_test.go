package apono

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The fraction must not be read as a count of nanoseconds or lose digits in a float.
func TestInstantIsReadExactly(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Time{
		`1696263265.851898000`:             time.Unix(1696263265, 851898000),
		`1696263265.851898001`:             time.Unix(1696263265, 851898001),
		`"1696263265.851898001"`:           time.Unix(1696263265, 851898001),
		`" 1696263265.5 "`:                 time.Unix(1696263265, 500000000),
		`1696263265`:                       time.Unix(1696263265, 0),
		`"1696263265"`:                     time.Unix(1696263265, 0),
		`1700000000.005`:                   time.Unix(1700000000, 5000000),
		`1700000000.0000000019`:            time.Unix(1700000000, 1),
		`1700000000.9999999999999`:         time.Unix(1700000000, 999999999),
		`1.696263265851898E9`:              time.Unix(1696263265, 851898000),
		`1.7e9`:                            time.Unix(1700000000, 0),
		`1696263265851`:                    time.Unix(1696263265, 851000000),
		`0`:                                time.Unix(0, 0),
		`"2023-10-02T16:14:25Z"`:           time.Unix(1696263265, 0),
		`"2023-10-02T16:14:25.851898001Z"`: time.Unix(1696263265, 851898001),
		`"2023-10-02T18:14:25.5+02:00"`:    time.Unix(1696263265, 500000000),
		`"2023-10-02 16:14:25"`:            time.Unix(1696263265, 0),
		`""`:                               {},
		`" "`:                              {},
		`1` + strings.Repeat("0", 9) + `.` + strings.Repeat("1", 5000): time.Unix(1000000000, 111111111),
	} {
		var got instant
		require.NoError(t, json.Unmarshal([]byte(text), &got), text)
		require.Truef(t, got.Equal(want), "%s as %s, got %s", text, want.UTC(), got.Time)
	}
}

func TestInstantRejectsInvalidTimes(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`"soon"`, `true`, `{}`, `[]`, `[1]`, `"NaN"`, `"Infinity"`, `"0x7"`, `"0x1p3"`, `"7_000"`, `"+1"`, `".5"`, `"."`, `"e5"`, `"1.2.3"`, `"1,5"`, `"٧"`,
		`-1`, `-0.5`, `"1969-12-31T23:59:59Z"`, `253402300800000`, `1e1000`, `9223372036854775808`, strings.Repeat("9", 5000), `"2023-13-02T16:14:25Z"`,
	} {
		require.Errorf(t, json.Unmarshal([]byte(text), new(instant)), "%.100s", text)
	}
}

// The API may send null for required members.
func TestInstantKeepsItsValueOnNull(t *testing.T) {
	t.Parallel()
	got := instant{time.Unix(7, 0)}
	require.NoError(t, json.Unmarshal([]byte("null"), &got))
	require.Equal(t, time.Unix(7, 0), got.Time)
	var none struct {
		At *instant `json:"at"`
	}
	require.NoError(t, json.Unmarshal([]byte(`{"at": null}`), &none))
	require.Nil(t, none.At.time(), "no time")
	require.Nil(t, newInstant(nil), "no instant")
}

// The API requires nine digits of fraction.
func TestInstantIsWrittenWithNineDigits(t *testing.T) {
	t.Parallel()
	for want, at := range map[string]time.Time{
		`1696263265.851898001`: time.Unix(1696263265, 851898001),
		`1700000000.005000000`: time.Unix(1700000000, 5000000),
		`0.000000000`:          time.Unix(0, 0),
		`0.000000001`:          time.Unix(0, 1),
		`1696263265.500000000`: time.Date(2023, 10, 2, 18, 14, 25, 500000000, time.FixedZone("", 7200)),
		`null`:                 {},
	} {
		data, err := json.Marshal(newInstant(&at))
		require.NoError(t, err)
		require.Equal(t, want, string(data))
		var got instant
		require.NoError(t, json.Unmarshal(data, &got))
		require.Truef(t, got.Equal(at), "%s as %s, got %s", data, at, got.Time)
	}
}

func FuzzInstant(f *testing.F) {
	for _, text := range []string{
		`1696263265.851898000`, `"1696263265.5"`, `1.7e9`, `1696263265851898E-6`, `-0.5`, `-1e-9`, `0`, `null`, `"2023-10-02T18:14:25.5+02:00"`,
		`"0000-01-01T00:00:00+23:59"`, `"9999-12-31T23:59:59-23:59"`, `1e1000`, `1e-1000`, `""`, `"NaN"`, `"1."`, `253402300799`, `-253402300799.9`, "",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var read, again instant
		if err := read.UnmarshalJSON([]byte(text)); err != nil {
			return
		}
		data, err := json.Marshal(read)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(data, &again))
		require.Truef(t, again.Equal(read.Time), "%s as %s, got %s through %s", text, read.Time, again.Time, data)
	})
}
