// SPDX-License-Identifier: MIT
/* The header against the frozen table; as C and as C++. */
#include "uapi/intaglio_accel.h"

#include <stddef.h>

#ifdef __cplusplus
#define CHECK static_assert
#else
#define CHECK _Static_assert
#endif

#define STRUCT(name, bytes) CHECK(sizeof(struct drm_intaglio_##name) == (bytes), #name);
#define FIELD(name, field, at, bytes)                                                 \
	CHECK(offsetof(struct drm_intaglio_##name, field) == (at), #name "." #field); \
	CHECK(sizeof(((struct drm_intaglio_##name *)0)->field) == (bytes), #name "." #field);

#include "uapi_layout.h"

CHECK(DRM_INTAGLIO_DEV_QUERY == 0 && DRM_INTAGLIO_EXEC == 0x0c, "ioctl numbers");

int uapi_layout(void);

int uapi_layout(void)
{
	return 0;
}
