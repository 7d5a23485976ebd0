package apono

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
