package apono

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/apono-go/apono/internal/wire"
)

// Legacy has the services of older versions of the API. Apono has not deprecated them.
// The comment of each method names its successor.
type Legacy struct {
	// Integrations is version 2 of [Client.Integrations].
	Integrations *LegacyIntegrationsService
	// AccessFlows is version 1 of [Client.AccessFlows].
	AccessFlows *LegacyAccessFlowsService
	// AccessBundles is version 1 of [Client.Bundles].
	AccessBundles *LegacyAccessBundlesService
	// Connectors is version 2 of [Client.Connectors].
	Connectors *LegacyConnectorsService
	// Users is version 2 of [Client.Users].
	Users *LegacyUsersService
	// AccessRequests is version 3 of [Client.AccessRequests], [Client.Sessions]
	// and [Client.AvailableAccess].
	AccessRequests *LegacyAccessRequestsService
}

func newLegacy(c *Client) *Legacy {
	return &Legacy{
		Integrations:   &LegacyIntegrationsService{client: c},
		AccessFlows:    &LegacyAccessFlowsService{client: c},
		AccessBundles:  &LegacyAccessBundlesService{client: c},
		Connectors:     &LegacyConnectorsService{client: c},
		Users:          &LegacyUsersService{client: c},
		AccessRequests: &LegacyAccessRequestsService{client: c},
	}
}

// instant is a time of the legacy API: a JSON number of seconds since 1970, with
// nanoseconds as the fraction.
type instant struct{ time.Time }

// MarshalJSON writes the seconds with nine digits of fraction, and the zero time as null.
func (i instant) MarshalJSON() ([]byte, error) {
	if i.IsZero() {
		return []byte("null"), nil
	}
	return fmt.Appendf(nil, "%d.%09d", i.Unix(), i.Nanosecond()), nil
}

// UnmarshalJSON reads a number with or without quotes, or a time in ISO 8601.
func (i *instant) UnmarshalJSON(data []byte) (err error) {
	text := strings.TrimSpace(strings.Trim(string(data), `"`))
	switch text {
	case "null":
		return nil
	case "":
		*i = instant{}
		return nil
	}
	if i.Time, err = wire.ParseTime(text); err == nil && (i.Unix() < 0 || i.Unix() > wire.LastSecond) {
		err = errors.New("a time before 1970 or after 9999")
	}
	return err
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
