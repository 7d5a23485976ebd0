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

// ParseTime parses a time in ISO 8601, or the number of seconds or milliseconds since
// 1970 in decimal digits. The time of day, its parts, punctuation and the offset are
// optional; without an offset the time is in UTC.
func ParseTime(text string) (time.Time, error) {
	text = strings.Replace(strings.ToUpper(strings.TrimSpace(text)), " ", "T", 1)
	if t, err := parseEpoch(text); err == nil && len(text) != len("20060102") {
		return t, nil
	}
	text, later := withoutLeap(text)
	for _, date := range []string{"2006-01-02", "20060102"} {
		for _, clock := range []string{"T15:04:05", "T15:04", "T150405", "T1504", "T15", ""} {
			for _, zone := range []string{"Z07:00", "Z0700", "Z07", ""} {
				if t, err := time.Parse(date+clock+zone, text); err == nil {
					return t.Add(later), nil
				}
			}
		}
	}
	return parseEpoch(text)
}

// withoutLeap replaces the end of a day as 24:00:00, and a leap second, by times that
// package time can parse, and returns how much later they are.
func withoutLeap(text string) (string, time.Duration) {
	date, clock, _ := strings.Cut(text, "T")
	if rest, ok := strings.CutPrefix(clock, "24"); ok && strings.Trim(rest, "0:.,Z") == "" {
		return date + "T00" + rest, 24 * time.Hour
	}
	if len(clock) >= len("23:59:60") && clock[5:8] == ":60" {
		return date + "T" + clock[:5] + ":59" + clock[8:], time.Second
	}
	return text, 0
}

// LastSecond is the end of the year 9999 in seconds since 1970; RFC 3339 has no later
// time.
const LastSecond = 253_402_300_799

// firstMilli is the first number that is read as milliseconds, in the year 2001.
const firstMilli = 1_000_000_000_000

// parseEpoch parses a number of seconds or milliseconds since 1970. Digits are read as
// text, because a float64 cannot hold nanoseconds. A number with an exponent comes from
// a float64, which holds microseconds.
func parseEpoch(text string) (time.Time, error) {
	whole, fraction, _ := strings.Cut(text, ".")
	if strings.ContainsAny(text, "eE") {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || f < 0 || f >= (LastSecond+1)*1000 {
			return time.Time{}, errTime
		}
		whole, fraction, _ = strings.Cut(strconv.FormatFloat(f, 'f', 6, 64), ".")
	}
	seconds, err := strconv.ParseInt(whole, 10, 64)
	nanos, _ := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
	switch {
	case err != nil || strings.Trim(whole+fraction, "0123456789") != "" || seconds > LastSecond && seconds < firstMilli || seconds/1000 > LastSecond:
		return time.Time{}, errTime
	case seconds >= firstMilli:
		return time.UnixMilli(seconds).Add(time.Duration(nanos / 1000)).UTC(), nil
	}
	return time.Unix(seconds, nanos).UTC(), nil
}

// readTime reads a time. Null and an empty string give the zero time.
func readTime(dec *jsontext.Decoder, t *time.Time) error {
	value, err := dec.ReadValue()
	if err != nil {
		return err
	}
	text := string(value)
	switch *t = (time.Time{}); value.Kind() {
	case 'n':
		return nil
	case '0':
		*t, err = parseEpoch(text)
		return err
	case '"':
		if text = unquote(value); text == "" {
			return nil
		}
		*t, err = ParseTime(text)
		return err
	}
	return errTime
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
