// Starts Swagger UI on the specification of this very service. A file of its own, because the page allows no inline code.
"use strict";

window.addEventListener("load", () => {
  window.ui = SwaggerUIBundle({
    url: document.documentElement.dataset.specification,
    dom_id: "#documentation",
    deepLinking: true,
    docExpansion: "list",
    // No validator service is asked, and a token that is pasted in stays in the memory of the page.
    validatorUrl: null,
    persistAuthorization: false,
    presets: [SwaggerUIBundle.presets.apis],
  });
});
