package apono

// Legacy are the services of older versions of the API that a newer version has
// taken the place of. Apono does not call them deprecated; they are for tooling
// that was built on them. The comment of each method names its successor.
type Legacy struct {
	// Integrations are integrations, version 2; see [Client.Integrations].
	Integrations *LegacyIntegrationsService
	// AccessFlows are access flows, version 1; see [Client.AccessFlows].
	AccessFlows *LegacyAccessFlowsService
	// AccessBundles are bundles, version 1; see [Client.Bundles].
	AccessBundles *LegacyAccessBundlesService
	// Connectors are connectors, version 2; see [Client.Connectors].
	Connectors *LegacyConnectorsService
	// Users are users, version 2; see [Client.Users].
	Users *LegacyUsersService
	// AccessRequests are access requests, version 3, and what can be requested;
	// see [Client.AccessRequests], [Client.Sessions] and
	// [Client.AvailableAccess].
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
