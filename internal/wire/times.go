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

// tolerantReaders returns readers that accept times in the forms of [ParseTime], and
// numbers with a zero fraction as integers.
func tolerantReaders() *jsonv2.Unmarshalers {
	return jsonv2.JoinUnmarshalers(
		jsonv2.UnmarshalFromFunc(readTime),
		jsonv2.UnmarshalFromFunc(readOptionalTime),
		jsonv2.UnmarshalFromFunc(readInteger[int]),
		jsonv2.UnmarshalFromFunc(readInteger[int64]),
	)
}

var errTime = errors.New("not a time in RFC 3339 or ISO 8601")

// ParseTime parses a date and time in ISO 8601. Minutes, seconds, punctuation and
// offset are optional; without an offset the time is in UTC.
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

// readTime reads a time. Null and an empty string give the zero time.
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

// readInteger reads an integer, also one written as 60.0 or 6e1 if its absolute
// value is less than 1<<53.
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
