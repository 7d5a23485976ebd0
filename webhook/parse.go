package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/apono-go/apono/internal/wire"
)

// Parse reads the body of a webhook and returns a [*RequestEvent] or an [*AuditEvent],
// depending on the fields of its data.
//
// It accepts what a template may make of an event: see the package documentation. An
// error names the field that cannot be read and does not quote the body.
func Parse(body []byte) (Event, error) {
	body, request, audit, err := inspect(body)
	switch {
	case err != nil:
		return nil, err
	case request == 0 && audit == 0:
		return nil, errors.New("webhook: data: has no field of a request event or an audit event")
	case request > audit:
		return decode(body, new(RequestEvent))
	}
	return decode(body, new(AuditEvent))
}

// ParseRequest is [Parse] for the body of a request event.
func ParseRequest(body []byte) (*RequestEvent, error) {
	body, request, _, err := inspect(body)
	switch {
	case err != nil:
		return nil, err
	case request == 0:
		return nil, errors.New("webhook: data: has no field of a request event")
	}
	return decode(body, new(RequestEvent))
}

// ParseAudit is [Parse] for the body of an audit event.
func ParseAudit(body []byte) (*AuditEvent, error) {
	body, _, audit, err := inspect(body)
	switch {
	case err != nil:
		return nil, err
	case audit == 0:
		return nil, errors.New("webhook: data: has no field of an audit event")
	}
	return decode(body, new(AuditEvent))
}

// inspect returns valid JSON for a body, and how many fields of each kind of event its
// data has.
func inspect(body []byte) (repaired []byte, request, audit int, err error) {
	repaired = unescape(repair(body))
	envelope, err := decode(repaired, &struct {
		Data map[string]json.RawMessage `json:"data"`
	}{})
	if err != nil {
		return nil, 0, 0, err
	}
	for name := range envelope.Data {
		switch name {
		case "id", "friendly_id", "requester", "grantee", "justification", "creation_date", "revocation_date", "access_flow",
			"access_bundle", "access_duration_in_seconds", "access_groups", "approvals_logical_relation", "approvals":
			request++
		case "timestamp", "action", "actor_id", "actor_name", "actor_type", "source", "target_id", "target_type", "target_name",
			"metadata", "current_target_object", "previous_target_object":
			audit++
		}
	}
	return repaired, request, audit, nil
}

func decode[T any](body []byte, into *T) (*T, error) {
	err := wire.UnmarshalLenient(body, into)
	if wrong := (*wire.Error)(nil); errors.As(err, &wrong) && wrong.Path != "" {
		return nil, fmt.Errorf("webhook: %w", wrong)
	}
	if err != nil { // the text of a syntax error quotes a character
		return nil, errors.New("webhook: the body is not a JSON object")
	}
	return into, nil
}

// repair corrects what a template may leave that is not valid JSON: line breaks and other
// control characters inside strings, backslashes that escape nothing, and missing values.
func repair(body []byte) []byte {
	fixed := make([]byte, 0, len(body)+len(body)/16)
	inString, afterColon := false, false
	for i := 0; i < len(body); i++ {
		c := body[i]
		switch {
		case inString && c == '\\':
			n := escape(body[i:])
			if n == 0 {
				fixed = append(fixed, `\\`...)
				continue
			}
			fixed = append(fixed, body[i:i+n]...)
			i += n - 1
			continue
		case inString && c < ' ':
			fixed = fmt.Appendf(fixed, `\u%04x`, c)
			continue
		case c == '"':
			inString = !inString
			afterColon = false
		case inString || strings.IndexByte(" \t\r\n", c) >= 0:
		case c == ':':
			afterColon = true
		default:
			if afterColon && (c == ',' || c == '}') {
				fixed = append(fixed, "null"...)
			}
			afterColon = false
		}
		fixed = append(fixed, c)
	}
	return fixed
}

// escape returns the length of the JSON escape sequence at the beginning of text, or 0.
func escape(text []byte) int {
	switch {
	case len(text) < 2:
		return 0
	case text[1] == 'u':
		if _, err := strconv.ParseUint(string(text[2:min(6, len(text))]), 16, 16); err != nil || len(text) < 6 {
			return 0
		}
		return 6
	case strings.IndexByte(`"\/bfnrt`, text[1]) < 0:
		return 0
	}
	return 2
}

// entities are the ones that Handlebars writes for the characters that it escapes.
var entities = strings.NewReplacer(
	"&amp;", "&", "&lt;", "<", "&gt;", ">", "&quot;", `\"`, "&#x27;", "'", "&#x60;", "`", "&#x3D;", "=",
)

// unescape decodes the entities of Handlebars in valid JSON, unless one of the characters
// that Handlebars escapes stands in a string as it is: then the template does not escape,
// and an entity is what somebody wrote.
func unescape(body []byte) []byte {
	if !bytes.ContainsRune(body, '&') {
		return body
	}
	text, inString := string(body), false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			inString = !inString
		case !inString:
		case c == '\\':
			n := escape(body[i:])
			if n == 6 {
				code, _ := strconv.ParseUint(text[i+2:i+6], 16, 16)
				if code < 0x80 && isSpecial(byte(code)) {
					return body
				}
			} else if text[i+1] == '"' {
				return body
			}
			i += n - 1
		case c == '&' && !startsWithEntity(text[i:]), c != '&' && isSpecial(c):
			return body
		}
	}
	return []byte(entities.Replace(text))
}

func isSpecial(c byte) bool { return strings.IndexByte("&<>\"'`=", c) >= 0 }

func startsWithEntity(text string) bool {
	for _, entity := range []string{"&amp;", "&lt;", "&gt;", "&quot;", "&#x27;", "&#x60;", "&#x3D;"} {
		if strings.HasPrefix(text, entity) {
			return true
		}
	}
	return false
}
