package apono

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"
)

// parseErrorBody finds a code and a message in a body of any shape. The API
// documents {"status": "401", "code": "Unauthorized"} and nothing else.
func parseErrorBody(header http.Header, body []byte) (code, message string) {
	var value any
	if err := json.Unmarshal(body, &value); err == nil {
		return findCode(value), findMessage(value, 0)
	}
	text := strings.TrimSpace(string(body))
	if strings.HasPrefix(text, "<") || strings.Contains(header.Get("Content-Type"), "html") || !utf8.ValidString(text) {
		return "", ""
	}
	return "", text
}

// The members that hold a message or a code, the likeliest first.
var (
	messageMembers = []string{"message", "error_description", "error_message", "error", "detail", "details", "title", "reason", "description", "errors"}
	codeMembers    = []string{"code", "error_code", "errorCode"}
)

func findMessage(value any, depth int) string {
	if depth > 4 {
		return ""
	}
	switch value := value.(type) {
	case string:
		return strings.TrimSpace(value)
	case []any:
		var messages []string
		for _, element := range value {
			if message := findMessage(element, depth+1); message != "" {
				messages = append(messages, message)
			}
		}
		return strings.Join(messages, "; ")
	case map[string]any:
		for _, name := range messageMembers {
			if message := findMessage(value[name], depth+1); message != "" {
				return message
			}
		}
	}
	return ""
}

func findCode(value any) string {
	object, _ := value.(map[string]any)
	for _, name := range codeMembers {
		switch code := object[name].(type) {
		case string:
			return code
		case float64:
			return fmt.Sprintf("%v", code)
		}
	}
	if nested, ok := object["error"].(map[string]any); ok {
		return findCode(nested)
	}
	return ""
}
