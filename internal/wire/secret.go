package wire

import (
	"bytes"
	"crypto/rand"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Redacted is written in place of a secret.
const Redacted = "[redacted]"

// Sealed holds a string that is not in memory as it is, so that nothing that works by
// reflection can show it. Sealed values of equal strings are equal. The zero value is
// the empty string.
type Sealed struct {
	sealed string
	isJSON bool // the JSON of something else than a string
}

// pad is XORed to strings. Its bytes are above 0x7f, so that no ASCII character stays
// as it is.
var pad = func() (random [64]byte) {
	_, _ = rand.Read(random[:]) // never fails
	for i := range random {
		random[i] |= 0x80
	}
	return random
}()

// xor changes the bytes and returns them as a string.
func xor(text []byte) string {
	for i := range text {
		text[i] ^= pad[i%len(pad)]
	}
	return string(text)
}

// Seal seals a string.
func Seal(text string) Sealed { return Sealed{sealed: xor([]byte(text))} }

// SealJSON seals a JSON value: a string as such, anything else as its JSON.
func SealJSON(data []byte) Sealed {
	if len(data) > 0 && data[0] == '"' {
		text, _ := jsontext.AppendUnquote(nil, data) // valid: the decoder has checked it
		return Sealed{sealed: xor(text)}
	}
	return Sealed{sealed: xor(bytes.Clone(data)), isJSON: true}
}

// Open returns the string, or the JSON of another value. It returns an empty string for
// null.
func Open(s Sealed) string {
	text := xor([]byte(s.sealed))
	if s.isJSON && text == "null" {
		return ""
	}
	return text
}

// reveal writes the value for a request. A type that embeds Sealed has this method too.
func (s Sealed) reveal(enc *jsontext.Encoder) error {
	if s.isJSON {
		return enc.WriteValue(jsontext.Value(xor([]byte(s.sealed))))
	}
	return enc.WriteToken(jsontext.String(xor([]byte(s.sealed))))
}

// revealing writes secrets as they are. All other encoders write [Redacted].
var revealing = jsonv2.MarshalToFunc(func(enc *jsontext.Encoder, s interface{ reveal(*jsontext.Encoder) error }) error {
	return s.reveal(enc)
})
