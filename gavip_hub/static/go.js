// An interface that is open is gone to before the rest of this page has come. Not by a redirect: it would be one of the form's, which leads nowhere else.
location.replace(document.currentScript.dataset.url);
