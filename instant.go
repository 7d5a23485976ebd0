package apono

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/apono-go/apono/internal/wire"
)

// instant is a time of the legacy API: a JSON number of seconds since 1970, with
// nanoseconds as the fraction. Its digits are read as text, because a float64 cannot
// hold the nanoseconds.
type instant struct{ time.Time }

var errInstant = errors.New("a time is neither a number of seconds nor in the form of RFC 3339")

// MarshalJSON writes the seconds with nine digits of fraction.
func (i instant) MarshalJSON() ([]byte, error) {
	seconds, nanos := i.Unix(), i.Nanosecond()
	sign := ""
	if seconds < 0 { // -0.5 s is second -1 and half a second
		sign = "-"
		if seconds, nanos = -seconds, -nanos; nanos < 0 {
			seconds, nanos = seconds-1, nanos+int(time.Second)
		}
	}
	return fmt.Appendf(nil, "%s%d.%09d", sign, seconds, nanos), nil
}

// maxInstant is the last second of the year 9999; RFC 3339 has no later time.
const maxInstant = 253402300799

// UnmarshalJSON reads a number with or without exponent and quotes, or an RFC 3339 time.
func (i *instant) UnmarshalJSON(data []byte) error {
	text := string(data)
	if text == "null" {
		return nil
	}
	if bytes.HasPrefix(data, []byte(`"`)) {
		if err := json.Unmarshal(data, &text); err != nil {
			return err
		}
		if text = strings.TrimSpace(text); text == "" {
			*i = instant{}
			return nil
		}
	}
	var err error
	if i.Time, err = parseInstant(text); err == nil {
		return nil
	}
	if t, parseErr := wire.ParseTime(text); parseErr == nil && t.Unix() <= maxInstant {
		i.Time = t
		return nil
	}
	return err
}

// parseInstant reads a decimal number and truncates it to nanoseconds.
func parseInstant(text string) (time.Time, error) {
	mantissa, exponentText, hasExponent := strings.Cut(strings.ToLower(text), "e")
	exponent := 0
	if hasExponent {
		var err error
		if exponent, err = strconv.Atoi(exponentText); err != nil || exponent < -1000 || exponent > 1000 {
			return time.Time{}, errInstant
		}
	}
	mantissa, negative := strings.CutPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	if digits == "" || whole == "" || strings.Trim(digits, "0123456789") != "" {
		return time.Time{}, errInstant
	}
	// point is the number of digits before the decimal point.
	point := len(whole) + exponent
	if point < 0 {
		digits, point = strings.Repeat("0", -point)+digits, 0
	}
	for len(digits) < point+9 {
		digits += "0"
	}
	seconds, err := strconv.ParseInt("0"+digits[:point], 10, 64)
	if err != nil || seconds > maxInstant {
		return time.Time{}, errInstant
	}
	nanos, err := strconv.ParseInt(digits[point:point+9], 10, 64)
	if err != nil {
		return time.Time{}, errInstant
	}
	if negative {
		seconds, nanos = -seconds, -nanos
	}
	return time.Unix(seconds, nanos).UTC(), nil
}

func newInstant(t *time.Time) *instant {
	if t == nil {
		return nil
	}
	return &instant{*t}
}

func (i *instant) time() *time.Time {
	if i == nil || i.IsZero() {
		return nil
	}
	return &i.Time
}
