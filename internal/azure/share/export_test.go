package share

import "github.com/Azure/azure-sdk-for-go/sdk/storage/azfile/share"

// Client is what calls are made with.
func (s *Share) Client() *share.Client { return s.client() }
