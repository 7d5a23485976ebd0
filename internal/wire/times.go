package wire

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// tolerantReaders read times in every form of ISO 8601 that names a moment, and
// numbers with a zero fraction into integers.
func tolerantReaders() *jsonv2.Unmarshalers {
	return jsonv2.JoinUnmarshalers(
		jsonv2.UnmarshalFromFunc(readTime),
		jsonv2.UnmarshalFromFunc(readOptionalTime),
		jsonv2.UnmarshalFromFunc(readInteger[int]),
		jsonv2.UnmarshalFromFunc(readInteger[int64]),
	)
}

var errTime = errors.New("not a time in RFC 3339 or ISO 8601")

// ParseTime reads a time in any form of ISO 8601 that names a moment: without
// seconds or punctuation too, with any form of offset, and in UTC without one.
func ParseTime(text string) (time.Time, error) {
	text = strings.Replace(strings.ToUpper(strings.TrimSpace(text)), " ", "T", 1)
	for _, date := range []string{"2006-01-02T", "20060102T"} {
		for _, clock := range []string{"15:04:05", "15:04", "150405", "1504", "15"} {
			for _, zone := range []string{"Z07:00", "Z0700", "Z07", ""} {
				if t, err := time.Parse(date+clock+zone, text); err == nil {
					return t, nil
				}
			}
		}
	}
	return time.Time{}, errTime
}

// readTime reads a time. Null and an empty text are none.
func readTime(dec *jsontext.Decoder, t *time.Time) error {
	value, err := dec.ReadValue()
	if err != nil {
		return err
	}
	var text *string
	if jsonv2.Unmarshal(value, &text) != nil {
		return errTime
	}
	if *t = (time.Time{}); text != nil && *text != "" {
		*t, err = ParseTime(*text)
	}
	return err
}

func readOptionalTime(dec *jsontext.Decoder, t **time.Time) error {
	*t = new(time.Time)
	err := readTime(dec, *t)
	if (*t).IsZero() {
		*t = nil
	}
	return err
}

// readInteger reads 60.0 and 6e1 as 60, up to what a float64 holds exactly.
func readInteger[T int | int64](dec *jsontext.Decoder, n *T) error {
	value, err := dec.ReadValue()
	if err != nil {
		return err
	}
	err = jsonv2.Unmarshal(value, n)
	if value.Kind() != '0' || !errors.Is(err, strconv.ErrSyntax) {
		return err
	}
	f, err := strconv.ParseFloat(string(value), 64)
	if err != nil || math.Abs(f) >= 1<<53 {
		return strconv.ErrRange
	}
	if *n = T(f); float64(*n) != f {
		return errors.New("not an integer")
	}
	return nil
}
