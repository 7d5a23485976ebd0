package wire_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apono-go/apono/internal/wire"
)

// A time in an unusual form must not make a whole list unreadable. A string without
// a date and a time of day is an error.
func TestUnmarshalTimes(t *testing.T) {
	t.Parallel()
	const none, wrong = "none", "wrong"
	for text, want := range map[string]string{
		`"2026-03-05T07:08:09Z"`:            `2026-03-05T07:08:09Z`,
		`"2026-03-05T07:08:09.123456789Z"`:  `2026-03-05T07:08:09.123456789Z`,
		`"2026-03-05T07:08:09.1234567891Z"`: `2026-03-05T07:08:09.123456789Z`,
		`"2026-03-05T07:08:09.5+02:00"`:     `2026-03-05T07:08:09.5+02:00`,
		`"2026-03-05T07:08:09-23:59"`:       `2026-03-05T07:08:09-23:59`,
		`"0000-01-01T00:00:00Z"`:            `0000-01-01T00:00:00Z`,
		`"9999-12-31T23:59:59Z"`:            `9999-12-31T23:59:59Z`,
		`"2024-02-29T00:00:00Z"`:            `2024-02-29T00:00:00Z`,
		`"2026-03-05T7:08:09Z"`:             `2026-03-05T07:08:09Z`,
		`"2026-03-05T07:08:09,5Z"`:          `2026-03-05T07:08:09.5Z`,
		`"2026-03-05t07:08:09z"`:            `2026-03-05T07:08:09Z`,
		`"2026-03-05 07:08:09Z"`:            `2026-03-05T07:08:09Z`,
		`"2026-03-05 07:08:09"`:             `2026-03-05T07:08:09Z`,
		`"2026-03-05T07:08:09"`:             `2026-03-05T07:08:09Z`,
		`"2026-03-05T07:08:09.25"`:          `2026-03-05T07:08:09.25Z`,
		`"2026-03-05T07:08:09+0200"`:        `2026-03-05T07:08:09+02:00`,
		`"2026-03-05T07:08:09+02"`:          `2026-03-05T07:08:09+02:00`,
		`"2026-03-05T07:08:09+0000"`:        `2026-03-05T07:08:09Z`,
		`"2026-03-05T07:08:09+00"`:          `2026-03-05T07:08:09Z`,
		`"2026-03-05T07:08:09-0000"`:        `2026-03-05T07:08:09Z`,
		`"2026-03-05T07:08Z"`:               `2026-03-05T07:08:00Z`,
		`"2026-03-05T07:08+02:00"`:          `2026-03-05T07:08:00+02:00`,
		`"2026-03-05T07:08"`:                `2026-03-05T07:08:00Z`,
		`"2026-03-05T07Z"`:                  `2026-03-05T07:00:00Z`,
		`"20260305T070809Z"`:                `2026-03-05T07:08:09Z`,
		`"20260305T0708+0200"`:              `2026-03-05T07:08:00+02:00`,
		`""`:                                none,
		`null`:                              none,
		`"2026-02-29T00:00:00Z"`:            wrong,
		`"2026-03-05T07:08:60Z"`:            wrong,
		`"2026-03-05T25:00:00Z"`:            wrong,
		`"2026-03-05"`:                      wrong,
		`"07:08:09Z"`:                       wrong,
		`"2026-03-05T07:08:09Zulu"`:         wrong,
		`"s3cret"`:                          wrong,
		`1772694489`:                        wrong,
		`{}`:                                wrong,
		`true`:                              wrong,
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			var got struct {
				At    time.Time    `json:"at"`
				Until *time.Time   `json:"until"`
				All   []*time.Time `json:"all"`
			}
			err := wire.Unmarshal([]byte(`{"at":`+text+`,"until":`+text+`,"all":[`+text+`]}`), &got)
			switch want {
			case wrong:
				require.EqualError(t, err, "at: not a time in RFC 3339 or ISO 8601")
			case none:
				require.NoError(t, err)
				require.True(t, got.At.IsZero())
				require.Nil(t, got.Until)
				require.Equal(t, []*time.Time{nil}, got.All)
			default:
				require.NoError(t, err)
				for _, got := range []time.Time{got.At, *got.Until, *got.All[0]} {
					require.Equal(t, want, got.Format(time.RFC3339Nano))
				}
			}
		})
	}
}
